import EgizCore
import EgizRuntime
import EgizTwin

/// The second protocol in memory: what `StreamThread+Calls` does, over the same desk, with a clock of its own.
extension TopologyDriver {
    /// How far the clock of calls goes on by itself for one record: through delays and retries, but not for ever.
    private static var patience: Duration { .seconds(60) }
    private static var mostTurns: Int { 10_000 }
    private static var mostDelivered: Int { 100_000 }

    func call(_ record: DriverRecord, _ task: DriverTask, in stage: DriverStage) throws {
        try withRaw(record, in: stage) { raw in
            let kept = CallRecord(raw, topicName: record.topic, headers: record.headers)
            task.calls?.take(
                kept, RecordMark(of: raw), next: task.positions[record.topic]?.next, at: callClock)
        }
        try follow(stage, until: callClock + Self.patience)
    }

    /// Lets the clock of calls go on, as if nothing came for so long.
    public func advanceCalls(by duration: Duration) throws {
        let end = callClock + duration
        for stage in stages where stage.desk != nil { try follow(stage, until: end) }
        callClock = max(callClock, end)
        if epochs == .eachRecord { try commit() }
    }

    /// Records that callers have taken and that are not done.
    public var openCalls: Int { stages.reduce(0) { $0 + ($1.desk?.openItems ?? 0) } }

    private func follow(_ stage: DriverStage, until end: Duration) throws {
        guard let desk = stage.desk else { return }
        for _ in 0..<Self.mostTurns {
            for settled in desk.turn(at: callClock) {
                stage.tasks[settled.partition]?.calls?.settle(settled.number, settled.settlement)
            }
            for task in stage.sortedTasks {
                while let slot = task.calls?.next() { settle(slot, task, in: stage) }
            }
            guard desk.openItems > 0, let wake = desk.wake(at: callClock), wake <= end else { return }
            // Times are sums of fractions: a nanosecond more is surely due.
            callClock = max(wake, callClock) + .nanoseconds(1)
        }
    }

    private func settle(_ slot: CallWindow.Slot, _ task: DriverTask, in stage: DriverStage) {
        guard let settlement = slot.settlement else { return }
        slot.record.withRaw { raw in
            let verdict = task.step.settle(raw, settlement)
            note(verdict, of: stage)
            if case .refused(let refusal) = verdict {
                setAside(
                    raw, slot.record.topicName, slot.record.headers, refusal, in: stage, task,
                    attempts: max(settlement.attempts, 1))
            }
        }
        task.positions[slot.record.topicName] = (NextOffset(after: slot.record.offset), slot.mark)
    }

    // MARK: Topics inside the topology

    func isRead(_ topic: String) -> Bool { stages.contains { $0.index(of: topic) != nil } }

    /// What was committed for topics that the topology reads itself comes to their stages, as it would through Kafka.
    func deliver() throws {
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        var delivered = 0
        while !underWay.isEmpty {
            let next = underWay.removeFirst()
            delivered += 1
            guard delivered <= Self.mostDelivered else {
                underWay = []
                throw EngineError(.topology, .stop, "records go in a circle through the topic \(next.topic)")
            }
            let id = DeadLetter.Header(name: "egiz-id", value: Array(next.id.utf8))
            // Kafka keeps milliseconds.
            try send(
                next.topic, key: next.key, bytes: next.value,
                at: EventTime(microseconds: next.time / 1000 * 1000), headers: next.headers + [id])
            if epochs == .explicit { try commit() }
        }
    }
}
