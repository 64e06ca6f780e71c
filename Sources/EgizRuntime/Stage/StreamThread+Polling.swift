import EgizCore
import Foundation
import Logging

/// What the thread takes from the log, and what it says while the log or its group keep silent.
extension StreamThread {
    func take(timeout: Duration) throws(EngineError) {
        guard let consumer else { return }
        let batch = try poll(consumer, timeout: timeout)
        if let batch { process(batch) }
        // A task may be idle while others of the thread never let a poll end empty.
        let now = ContinuousClock.now
        if batch == nil || idleLook.duration(to: now) >= .seconds(1) {
            idleLook = now
            try advanceIdleTasks(now)
        }
        noteWaiting(now)
        // Each partition's end costs the client a few locks: not for every batch of a catch-up.
        if batch == nil || lagLook.duration(to: now) >= .milliseconds(100) {
            lagLook = now
            metrics.report(lag: refreshLag(consumer))
        }
    }

    func poll(_ consumer: any LogConsumer, timeout: Duration) throws(EngineError) -> (any RecordBatch)? {
        do throws(EngineError) {
            let batch = try consumer.poll(limit: pollLimit, timeout: timeout, listener: self)
            if batch != nil {
                logIsThere()
            } else {
                askForLog(consumer)
            }
            if failure == nil, !tasks.isEmpty { status.enter(.running) }
            return batch
        } catch {
            switch (error.code, error.retry) {
            case (_, .backoff):
                if logLook == nil {
                    logger.warning("stage waits for Kafka", metadata: [LogKey.error: "\(error)"])
                }
                logLook = .now
                status.waiting(.log, error.message)
                stopFlag.wait(until: Date(timeIntervalSinceNow: pollBackoff.next().seconds))
                return nil
            case (.gap, _) where setup.stage.source.onGap == .report || readsEmbeddedLog:
                hasGap = true
                return nil
            default:
                throw error
            }
        }
    }

    func logIsThere() {
        pollBackoff.reset()
        guard logLook != nil else { return }
        logLook = nil
        status.recovered(.log)
        logger.notice("Kafka answers again")
    }

    /// After an outage a quiet topic brings no record that would show its end: then the broker is asked, once a second.
    func askForLog(_ consumer: any LogConsumer) {
        guard let last = logLook, last.duration(to: .now) >= .seconds(1) else { return }
        if (try? consumer.partitionCounts()) != nil { logIsThere() } else { logLook = .now }
    }

    /// While a refused record is searched for, a batch must not hold more than the epoch may.
    var pollLimit: Int {
        // Beyond what is asked for, a desk takes at most one poll.
        if desk != nil { return min(512, setup.configuration.pollLimit) }
        guard let halving else { return setup.configuration.pollLimit }
        return max(1, min(setup.configuration.pollLimit, halving.limit - openWork.records))
    }

    var readsEmbeddedLog: Bool { tasks.values.contains { $0.lease.log?.isEmbedded ?? false } }

    /// A group that never answers a join says nothing; the user should hear of it.
    func noteWaiting(_ now: ContinuousClock.Instant) {
        guard !hasJoined else { return }
        guard let since = waitingSince else {
            waitingSince = now
            return
        }
        let waited = since.duration(to: now)
        guard waited >= setup.configuration.sessionTimeout * 1.5 else { return }
        let why =
            "group \(setup.stage.name) has given this worker no answer for \(Int(waited.seconds)) s; is the broker frozen, or a rebalance stuck?"
        if !hasWarnedOfWaiting {
            hasWarnedOfWaiting = true
            logger.warning("waiting for partitions", metadata: [LogKey.reason: "\(why)"])
        }
        status.waiting(.group, why)
    }

    /// The group has answered: with partitions, or with none because others have them all.
    func joined() {
        hasJoined = true
        waitingSince = nil
        hasWarnedOfWaiting = false
        status.recovered(.group)
    }

    func refreshLag(_ consumer: any LogConsumer) -> Int64 {
        var lag: Int64 = 0
        for (partition, task) in tasks {
            for (index, topic) in topics.enumerated() {
                let place = TopicPartition(topic, partition)
                guard let end = consumer.cachedEnd(of: place), var position = task.committed[index] else { continue }
                // Behind the last record may be marks of transactions, which are nobody's work.
                if task.inFlight == nil, !task.step.hasOpenWork, !task.hasCalls, let next = task.next[index] {
                    position = max(position, next, consumer.readThrough(place) ?? next)
                }
                lag += max(0, end.raw - position.raw)
            }
        }
        status.lag(lag)
        return lag
    }
}
