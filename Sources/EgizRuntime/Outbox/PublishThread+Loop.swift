import EgizCore
import Foundation

/// The thread's own part: what it takes from the mailbox, and when.
extension PublishThread {
    func run() {
        while let (batch, membership) = next() {
            defer {
                change {
                    inHand = 0
                    tasksInHand = []
                }
            }
            do throws(EngineError) {
                try publish(batch, membership)
            } catch {
                change {
                    if !isStopping { self.error = error }
                    inHand = 0
                }
                break
            }
        }
        producer?.close()
        store?.close()
    }

    /// Waits for something to publish and a place in the group; nil when the thread must end.
    func next() -> ([Publication], any GroupMembership)? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if isStopping { return nil }
            if let membership, !isMembershipOld, !isBlocked, !queue.isEmpty {
                let isQuiet = queue.allSatisfy { $0.outbox == nil && !$0.isBaseline }
                let due = lastQuiet.addingTimeInterval(Self.quietInterval)
                if !isQuiet || isDraining || due <= .now {
                    if isQuiet { lastQuiet = .now }
                    return (takeBatch(), membership)
                }
                _ = condition.wait(until: due)
            } else {
                condition.wait()
            }
        }
    }

    /// Under the lock.
    func takeBatch() -> [Publication] {
        var size = 0
        var count = 0
        // Baselines go alone: a transaction that cannot land must not take them with it.
        let isBaseline = queue.first?.isBaseline ?? false
        while count < queue.count, queue[count].isBaseline == isBaseline,
            count == 0 || size + queue[count].bytes <= Self.mostBytes
        {
            size += queue[count].bytes
            count += 1
        }
        let batch = Array(queue[..<count])
        queue.removeFirst(count)
        inHand = count
        tasksInHand = Set(batch.map(\.lease.task))
        return batch
    }

    func storeConnection() throws(EngineError) -> any TaskStore {
        if let store { return store }
        let opened = try setup.openStore()
        store = opened
        return opened
    }

    func pause(_ duration: Duration) {
        let deadline = Date(timeIntervalSinceNow: duration.seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isStopping {
            guard condition.wait(until: deadline) else { return }
        }
    }
}
