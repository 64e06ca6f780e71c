import EgizCore
import EgizRuntime
public import EgizTwin

/// What goes wrong in the world, and the passing of time.
extension TopologyDriver {
    /// Moves stream time on in every task that has one, as at the end of a quiet log, and fires what is due.
    public func advanceStreamTime(to time: EventTime) throws {
        try advance { $0.advanceStreamTime(to: time) }
    }

    /// As above, in every task by the same duration.
    public func advanceStreamTime(by duration: Duration) throws {
        try advance { $0.advanceStreamTime(by: duration, notBeyond: .latest) }
    }

    private func advance(_ move: (PartitionStep) -> Bool) throws {
        try takeOverAll()
        for stage in stages {
            for task in stage.sortedTasks where move(task.step) {
                _ = try settle(task, stage) { () throws(EngineError) in try task.step.fireTimers() }
            }
        }
        if epochs == .eachRecord {
            try commit()
            try retryDueLetters()
        }
    }

    /// Drops all uncommitted work and every cache, as a crash does. Records sent since the last commit are to be sent again.
    public func crash() { stages = stages.map { makeStage($0.definition) } }

    /// A crash and the start after it: uncommitted work and every cache are gone, and the records since the last commit are read
    /// again from the log, with the offsets they had. Stream time that moved without a record since then has to move again.
    public func crashAndRestart() throws {
        crash()
        for stage in stages {
            for record in uncommitted(in: stage) {
                try run(record, in: stage)
                if epochs == .eachRecord { try commit() }
            }
        }
    }

    /// Every task is drained, committed, released and taken over by somebody who knows nothing of it but what is stored.
    public func rebalance() throws {
        try commit()
        let leases = stages.flatMap(\.sortedTasks).map(\.lease)
        try MemoryTaskStore(store: store, worker: Self.worker).release(leases)
        crash()
        try takeOverAll()
    }

    /// The next commits, so many, find Postgres away before anything is written.
    public func failCommits(_ count: Int) { store.plan(Array(repeating: .failsBeforeLanding, count: count)) }

    /// The answers of the next commits, so many, are lost after they have landed.
    public func loseAnswers(_ count: Int) { store.plan(Array(repeating: .answerIsLost, count: count)) }
}
