import EgizCore
import EgizTwin
import Logging

extension StreamThread {
    /// Runs a batch through the steps of its tasks. An error becomes `failure`, with the position of the record.
    func process(_ batch: any RecordBatch) {
        do throws(EngineError) {
            var isRestored = false
            for index in 0..<batch.count {
                let record = batch.record(at: index)
                guard let task = tasks[record.partition] else { continue }
                // After a seek the client may still hand out what it had fetched before.
                if let next = task.next[record.topic], record.offset < next.raw { continue }
                do throws(EngineError) {
                    try process(record, of: batch, at: index, in: task, isRestored: &isRestored)
                } catch {
                    throw EngineError(
                        error.code, error.retry,
                        "\(topics[record.topic])[\(record.partition)] offset \(record.offset): \(error.message)",
                        detail: error.detail)
                }
                task.next[record.topic] = NextOffset(after: record.offset)
            }
            note(batch)
        } catch {
            // Stopping while Postgres is away: what was processed is contiguous and may be drained, the rest is read again.
            if error.retry == .backoff, isStopRequested { return }
            failure = error
        }
    }

    private func process(
        _ record: RawRecord, of batch: any RecordBatch, at index: Int, in task: OwnedTask, isRestored: inout Bool
    ) throws(EngineError) {
        var attempts = 0
        while true {
            switch try task.step.process(record) {
            case .done:
                return
            case .needs(let thing):
                // Once for a key that is not the thing id; a second miss of the same thing would never end.
                attempts += 1
                guard attempts <= 2 else {
                    throw EngineError(.bug, .stop, "the twin \(thing) was loaded and is still missing")
                }
                if !isRestored {
                    isRestored = true
                    try restore(batch, from: index)
                }
                if !task.step.twins.contains(thing) { try load([thing], into: task) }
            case .refused(let refusal):
                deadLetters.append(
                    DeadLetter(
                        stage: setup.stage.name, topicName: topics[record.topic], record: record,
                        headers: batch.headers(at: index), code: refusal.code, message: refusal.message,
                        thing: refusal.thing, processor: refusal.processor))
                return
            }
        }
    }

    /// Loads all twins that the rest of the batch will need and that are not at hand, one query a task: done once a batch, at
    /// its first miss, so that a warm cache costs nothing. The record key is the thing id nearly always; where it is not, the
    /// step asks for the single thing.
    private func restore(_ batch: any RecordBatch, from first: Int) throws(EngineError) {
        var missing: [Int32: [ThingID]] = [:]
        var seen: Set<ThingID> = []
        var lastKey: UnsafeRawBufferPointer?
        for index in first..<batch.count {
            let record = batch.record(at: index)
            guard let key = record.key, let task = tasks[record.partition] else { continue }
            if let lastKey, lastKey.count == key.count, lastKey.elementsEqual(key) { continue }
            lastKey = key
            guard let thing = try? ThingID(validating: String(decoding: key, as: UTF8.self)),
                !task.step.twins.contains(thing), seen.insert(thing).inserted
            else { continue }
            missing[record.partition, default: []].append(thing)
        }
        for (partition, things) in missing {
            guard let task = tasks[partition] else { continue }
            try load(things, into: task)
        }
    }

    private func load(_ things: [ThingID], into task: OwnedTask) throws(EngineError) {
        let rows = try whileAway { store throws(EngineError) in
            try store.restore(things, of: setup.stage.name, states: [])
        }
        try task.step.install(rows.twins, asked: things)
    }

    /// Runs a query of the store again until it answers; Postgres being away only makes the thread wait. Gives up when asked to stop.
    func whileAway<T>(_ body: (any TaskStore) throws(EngineError) -> T) throws(EngineError) -> T {
        var backoff = Backoff()
        var attempts = 0
        while true {
            do throws(EngineError) {
                guard let store else { throw EngineError(.bug, .stop, "the stream thread has no store") }
                let value = try body(store)
                if attempts > 0 { status.recovered(.store) }
                return value
            } catch {
                guard error.retry == .backoff, !isStopRequested else { throw error }
                attempts += 1
                if attempts == 1 {
                    logger.warning("stage waits for Postgres", metadata: [LogKey.error: "\(error)"])
                }
                status.waiting(.store, error.message)
                waitForStop(backoff.next())
            }
        }
    }

    /// Keeps the mark of each task's last record of the batch while its bytes are still at hand (rule 15).
    private func note(_ batch: any RecordBatch) {
        var marked: Set<Int64> = []
        for index in stride(from: batch.count - 1, through: 0, by: -1) {
            let record = batch.record(at: index)
            guard let task = tasks[record.partition],
                marked.insert(Int64(record.topic) << 32 | Int64(record.partition)).inserted
            else {
                if marked.count == tasks.count * topics.count { break }
                continue
            }
            task.marks[record.topic] = RecordMark(of: record)
            task.idleSince = nil
        }
    }

    /// At the end of the log stream time goes on after the source's `idle`, so that what waits for time does not wait for
    /// records (rule 16). Never beyond the wall clock.
    func advanceIdleTasks(_ now: ContinuousClock.Instant) {
        let idle = setup.stage.source.idle
        guard let consumer else { return }
        for task in tasks.values where task.inFlight == nil && !task.step.hasOpenWork {
            let atEnd = topics.enumerated().allSatisfy { index, topic in
                consumer.cachedEnd(of: TopicPartition(topic, task.id.partition)) == task.next[index]
            }
            guard atEnd else { continue }
            guard let since = task.idleSince else {
                task.idleSince = now
                continue
            }
            guard since.duration(to: now) >= idle else { continue }
            task.idleSince = now
            task.step.advanceStreamTime(by: since.duration(to: now), notBeyond: EventTime.wallClock)
        }
    }
}
