public import EgizTwin

/// A pure step: it sees a change of a twin and appends effects to the caller's buffer. No clock, no I/O, no randomness; time
/// comes from the change and from timers. One instance a task, confined to the task's stream thread.
///
/// A kind conforms to `StatelessProcessor` or to `StatefulProcessor`, which give these requirements their types.
public protocol Processor: AnyObject, SendableMetatype {
    static var spec: KindSpec { get }

    /// Builds the processor from settings that were checked against `spec`.
    init(_ definition: ProcessorDefinition) throws(TopologyFaults)

    /// True where `process` may throw.
    static var mayRefuse: Bool { get }

    /// Whether this one may, as it is set: only then does the step keep what it needs to rebuild a twin, which costs as much as a rule.
    var refuses: Bool { get }

    /// The state it keeps for each thing; nil: none, and no timers.
    static var stateType: (any ProcessorState.Type)? { get }

    /// Not nil where `process` does nothing but append samples of leaves as this says.
    var leafRecording: LeafRecording? { get }

    /// Called once for each change, in the order of the key. A thrown fault refuses the whole record: none of its effects
    /// and state changes stay (rule 5).
    func process(_ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects)
        throws(RecordFault)

    /// Whether the processors that read from this one see the change: asked of kinds that give changes on, after `process`. Pure
    /// and without a state, for it is asked again where a record is repeated (rule 5) and where a thing is reviewed (rule 20; then
    /// the change has neither leaves nor a record).
    func passes(_ change: borrowing TwinChange, into effects: inout RecordEffects) -> Bool

    /// Fingerprint of what `passes` depends on: the rules behind it are other rules where it changes (rule 20).
    var passFingerprint: UInt64 { get }

    /// Called when stream time has reached a timer that the processor has set, in the order of the timers, before the first
    /// record at or after it (rule 16). It cannot refuse.
    func tick(_ tick: TimerTick, memory: (any ProcessorState)?, into effects: inout RecordEffects)

    /// The projection rows of one thing whose state the epoch touched: called once when the epoch closes, so that a row is
    /// written once however often it changed.
    func project(_ thing: ThingID, memory: (any ProcessorState)?, into rows: inout ProjectionRows)

    /// Fingerprint of rules of its own; 0: it has none. Where it differs from the stored one, all things of the task are
    /// reviewed, so that a changed rule reaches things of which no event comes (rule 20).
    var rulesFingerprint: UInt64 { get }

    /// Takes over what the registry says from now on; between epochs only. Returns what is wrong with it, for people: a faulty
    /// entry is left out.
    func install(_ registry: RuleRegistry) -> [String]

    /// Where answers about things come back to them, of all processors of the topology (`KindSpec.writesBack`); once, before all else.
    func noteAnswers(_ paths: [[String]])

    /// Looks at a thing without an event, because rules changed: `change` has no leaves and no record. It cannot refuse.
    func review(_ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects)

    /// True where people may ask something of it.
    var receivesMessages: Bool { get }

    /// Consumes what a person asked for (rule 19). It cannot refuse.
    func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, memory: (any ProcessorState)?,
        into effects: inout RecordEffects)
}

extension Processor {
    public static var mayRefuse: Bool { true }
    public var refuses: Bool { Self.mayRefuse }
    public static var stateType: (any ProcessorState.Type)? { nil }
    public var leafRecording: LeafRecording? { nil }
    public func passes(_ change: borrowing TwinChange, into effects: inout RecordEffects) -> Bool { true }
    public var passFingerprint: UInt64 { 0 }
    public func tick(_ tick: TimerTick, memory: (any ProcessorState)?, into effects: inout RecordEffects) {}
    public func project(_ thing: ThingID, memory: (any ProcessorState)?, into rows: inout ProjectionRows) {}
    public var rulesFingerprint: UInt64 { 0 }
    public var receivesMessages: Bool { false }
    public func install(_ registry: RuleRegistry) -> [String] { [] }
    public func noteAnswers(_ paths: [[String]]) {}
    public func review(_ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects)
    {}
    public func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, memory: (any ProcessorState)?,
        into effects: inout RecordEffects
    ) {}
}

/// A processor that remembers nothing.
public protocol StatelessProcessor: Processor {
    func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault)
}

extension StatelessProcessor {
    @inline(__always)
    public func process(
        _ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects
    ) throws(RecordFault) {
        try process(change, into: &effects)
    }
}

/// Why a processor refused a record: a data error, never a bug and never weather.
public struct RecordFault: Error, Sendable {
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// All faults of one definition.
public struct TopologyFaults: Error, Sendable {
    public var faults: [TopologyFault]

    public init(_ faults: [TopologyFault]) { self.faults = faults }
}
