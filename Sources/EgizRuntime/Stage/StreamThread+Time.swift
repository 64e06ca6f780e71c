import EgizCore
import EgizTwin

/// How time goes on without records, and what timers may add to an epoch.
extension StreamThread {
    /// Tells the steps what the open epoch may still take of fired timers (rule 4).
    func makeRoom() {
        let open = openWork
        let policy = setup.policy
        var room = EpochRoom(records: policy.maxRecords - open.records, bytes: policy.maxBytes - open.bytes)
        if halving != nil {
            // Beside timers that fire, a refused record could not be told from their effects.
            room.keepsTicksApart = true
            room.holdsTicksOnly = tasks.values.contains { $0.step.openTicks > 0 }
        }
        tables.room = room
    }

    /// At the end of the log stream time goes on after the source's `idle`, so that what waits for time does not wait for
    /// records (rule 16). Never beyond the wall clock.
    func advanceIdleTasks(_ now: ContinuousClock.Instant) throws(EngineError) {
        let idle = setup.stage.source.idle
        guard let consumer, halving == nil else { return }
        makeRoom()
        for task in tasks.values where task.owesTimers && task.blockedUntil == nil { try fireTimers(of: task) }
        for task in tasks.values where task.inFlight == nil && !task.step.hasOpenWork && task.blockedUntil == nil {
            guard isAtEnd(task, consumer) else { continue }
            guard let since = task.idleSince else {
                task.idleSince = now
                continue
            }
            guard since.duration(to: now) >= idle else { continue }
            task.idleSince = now
            if task.step.advanceStreamTime(by: since.duration(to: now), notBeyond: EventTime.wallClock) {
                try fireTimers(of: task)
            }
        }
    }

    /// Everything in the task's partitions was taken. The log may go on behind the last record: with the marks of transactions, and
    /// records of aborted ones, which no poll hands over; the task's position then moves behind them, so that lag is zero.
    private func isAtEnd(_ task: OwnedTask, _ consumer: any LogConsumer) -> Bool {
        if task.hasCalls { return false }
        for (index, topic) in topics.enumerated() {
            let partition = TopicPartition(topic, task.id.partition)
            guard let next = task.next[index], let end = consumer.cachedEnd(of: partition) else { return false }
            if next == end { continue }
            guard let read = consumer.readThrough(partition), read > next, read >= end else { return false }
            task.next[index] = read
        }
        return true
    }

    /// Fires what is due in a task whose stream time has moved without a record; what the open epoch has no room for, later.
    private func fireTimers(of task: OwnedTask) throws(EngineError) {
        task.owesTimers = false
        defer { crashGuard?.leave() }
        var loading = Loading()
        while true {
            guardNextRecord(of: task)
            let verdict = try task.step.fireTimers()
            crashGuard?.leave()
            switch verdict {
            case .needs(let thing):
                try loading.ask(for: thing)
                try load([thing], into: task)
            case .needsTimers(let after): try loadTimers(after: after, into: task)
            case .epochIsFull:
                task.owesTimers = true
                return
            case .done, .refused, .queued, .full: return
            }
        }
    }
}
