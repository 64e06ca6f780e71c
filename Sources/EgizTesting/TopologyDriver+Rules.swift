public import EgizCore
import EgizRuntime
public import EgizTwin

/// Rules that change, and what people ask of processors: what `StreamThread+Rules` does, over the same step.
extension TopologyDriver {
    private static var page: Int { 500 }

    /// Takes over every task that the store knows of, as workers do that start.
    public func takeOverTasks() throws { try takeOverAll() }

    /// Puts the store's registry in force in all tasks, between epochs, and reviews their things.
    public func adoptRegistry() throws {
        try commit()
        try takeOverAll()
        for stage in stages {
            for task in stage.sortedTasks where task.step.hasRules {
                let stored = store.task(task.step.task)?.rules
                task.step.install(store.read { store.ruleRegistry }, stored: stored)
                try review(task, stage)
            }
        }
        try commit()
    }

    /// Lets processors look at the things of a task again, where their rules have changed.
    func review(_ task: DriverTask, _ stage: DriverStage) throws {
        let rows = MemoryTaskStore(store: store, worker: Self.worker)
        while let after = task.step.rules?.reviewedThrough {
            let things = try rows.things(of: task.step.task, after: after, limit: Self.page)
            for thing in things where task.step.hasRules {
                _ = try settle(task, stage) { () throws(EngineError) in task.step.review(thing) }
            }
            task.sweeps.append(task.step.sweep(things))
            task.step.noteReview(through: things.count < Self.page ? nil : things.last?.text)
        }
    }

    /// Somebody acknowledges or clears an alert; consumed in an epoch of its own.
    public func send(
        _ action: String, to processor: String, thing: ThingID, subject: String, raisedAt: EventTime? = nil,
        by person: String? = nil
    ) throws {
        try commit()
        guard let home = store.twin(thing)?.home ?? store.allAlerts.first(where: { $0.thing == thing })?.home else {
            throw EngineError(.state, .never, "there is no thing \(thing)")
        }
        try send(action, to: processor, of: home, thing: thing, subject: subject, raisedAt: raisedAt, by: person)
    }

    /// The same for what is no thing: the alerts of a dead-letter handler.
    public func send(
        _ action: String, to processor: String, of home: TaskID, thing: ThingID, subject: String,
        raisedAt: EventTime? = nil, by person: String? = nil
    ) throws {
        try commit()
        store.send(action, to: processor, of: home, thing: thing, subject: subject, raisedAt: raisedAt, by: person)
        let rows = MemoryTaskStore(store: store, worker: Self.worker)
        for stage in stages where stage.definition.name == home.stage {
            let task = try task(stage, home.partition)
            for message in try rows.inbox(of: [task.lease], limit: Self.page) {
                _ = try settle(task, stage) { () throws(EngineError) in task.step.deliver(message) }
                task.consumed.append(message.id)
            }
        }
        try commit()
    }
}
