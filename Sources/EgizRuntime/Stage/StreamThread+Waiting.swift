import EgizCore
import Foundation

/// How the thread takes no records for a while, and stays in its group.
extension StreamThread {
    /// The open epoch is full and the one before still in commit: stop taking records, but stay in the group.
    func awaitCommit() throws(EngineError) {
        // Up to 30 s not polling is the cheapest pause; beyond, pause the partitions and keep polling (max.poll.interval.ms).
        let patience = isPausedForCommit ? Duration.milliseconds(100) : Duration.seconds(30)
        let deadline = Date(timeIntervalSinceNow: patience.seconds)
        while Date.now < deadline, !stopFlag.isRaised {
            if let outcome = committer.take(until: min(deadline, Date(timeIntervalSinceNow: 0.1))) {
                try finishCommit(outcome)
                return
            }
        }
        if stopFlag.isRaised { return }
        try stayInGroup()
    }

    /// Keeps polling without taking records: paused partitions bring none, so the open epoch cannot grow; rebalances are served.
    func stayInGroup() throws(EngineError) {
        guard let consumer else { return }
        isPausedForCommit = true
        // Some may have come since: a takeover resumes what it has sought.
        let missing = Set(assignedPartitions).subtracting(pausedForCommit)
        if !missing.isEmpty {
            try consumer.pause(Array(missing))
            pausedForCommit.formUnion(missing)
        }
        if let batch = try poll(consumer, timeout: .zero) { process(batch) }
    }

    func resumeAfterCommit() throws(EngineError) {
        guard isPausedForCommit, let consumer else { return }
        isPausedForCommit = false
        pausedForCommit = []
        let free = tasks.values.filter { $0.blockedUntil == nil }.map(\.id.partition)
        try consumer.resume(assignedPartitions.filter { free.contains($0.partition) })
    }
}
