public import EgizTwin

/// A processor that remembers something of each thing, and may set timers.
public protocol StatefulProcessor: Processor {
    associatedtype State: ProcessorState

    /// May change `state`, also where it then throws: the step builds it anew (rule 5).
    func process(_ change: borrowing TwinChange, state: State, into effects: inout RecordEffects) throws(RecordFault)
    func tick(_ tick: TimerTick, state: State, into effects: inout RecordEffects)
    func project(_ thing: ThingID, state: State, into rows: inout ProjectionRows)
    func review(_ change: borrowing TwinChange, state: State, into effects: inout RecordEffects)
    func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, state: State, into effects: inout RecordEffects)
}

extension StatefulProcessor {
    public static var stateType: (any ProcessorState.Type)? { State.self }

    public func tick(_ tick: TimerTick, state: State, into effects: inout RecordEffects) {}
    public func project(_ thing: ThingID, state: State, into rows: inout ProjectionRows) {}

    public func review(_ change: borrowing TwinChange, state: State, into effects: inout RecordEffects) {}
    public func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, state: State, into effects: inout RecordEffects
    ) {}

    public func review(_ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects)
    {
        review(change, state: typed(memory), into: &effects)
    }

    public func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, memory: (any ProcessorState)?,
        into effects: inout RecordEffects
    ) {
        receive(message, change, state: typed(memory), into: &effects)
    }

    public func process(
        _ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects
    ) throws(RecordFault) {
        try process(change, state: typed(memory), into: &effects)
    }

    public func tick(_ tick: TimerTick, memory: (any ProcessorState)?, into effects: inout RecordEffects) {
        self.tick(tick, state: typed(memory), into: &effects)
    }

    public func project(_ thing: ThingID, memory: (any ProcessorState)?, into rows: inout ProjectionRows) {
        project(thing, state: typed(memory), into: &rows)
    }

    // The step makes states with `stateType` alone, so the cast holds; a fresh state is what a bug there would cost.
    private func typed(_ memory: (any ProcessorState)?) -> State {
        // Compared first: a cast that asks the runtime costs more than a rule.
        if let memory, type(of: memory) == State.self { return unsafeDowncast(memory, to: State.self) }
        return State()
    }
}
