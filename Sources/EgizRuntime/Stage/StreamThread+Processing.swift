import EgizCore
import EgizTwin
import Foundation
import Logging

extension StreamThread {
    /// Runs a batch through the steps of its tasks. An error becomes `failure`, with the position of the record.
    func process(_ batch: any RecordBatch) {
        if let desk { return take(batch, for: desk) }
        defer {
            crashGuard?.leave()
            note(batch)
        }
        makeRoom()
        do throws(EngineError) {
            var isRestored = false
            // Records come in runs of one partition: a look-up a run.
            var run: (task: OwnedTask?, partition: Int32, topic: Int) = (nil, -1, -1)
            for index in 0..<batch.count {
                let record = batch.record(at: index)
                if record.partition != run.partition || record.topic != run.topic {
                    run = (tasks[record.partition], record.partition, record.topic)
                }
                guard let task = run.task, task.blockedUntil == nil else { continue }
                // After a seek the client may still hand out what it had fetched before.
                if let next = task.next[record.topic], record.offset < next.raw { continue }
                do throws(EngineError) {
                    guard try process(record, of: batch, at: index, in: task, isRestored: &isRestored) else { continue }
                } catch {
                    throw EngineError(
                        error.code, error.retry,
                        "\(topics[record.topic])[\(record.partition)] offset \(record.offset): \(error.message)",
                        detail: error.detail)
                }
                task.next[record.topic] = NextOffset(after: record.offset)
                task.lastTaken = (record.topic, record.offset)
                task.lastInBatch[record.topic] = index
            }
        } catch {
            // Stopping while Postgres is away: what was processed is contiguous and may be drained, the rest is read again.
            if error.retry == .backoff, isStopRequested { return }
            failure = error
        }
    }

    /// False where the record was not taken, because the task is blocked.
    private func process(
        _ record: RawRecord, of batch: any RecordBatch, at index: Int, in task: OwnedTask, isRestored: inout Bool
    ) throws(EngineError) -> Bool {
        if !condemned.isEmpty, let error = condemned[position(record)] {
            setAside(condemned: record, error, headers: batch.headers(at: index), in: task)
            return true
        }
        var loading = Loading()
        while true {
            crashGuard?.enter(topic: record.topic, partition: record.partition, offset: record.offset)
            let headers = task.step.readsHeaders ? batch.headers(at: index) : []
            switch try task.step.process(record, headers: headers) {
            case .done:
                return true
            case .needs(let thing):
                // Waiting for Postgres is not the record's fault.
                crashGuard?.leave()
                try loading.ask(for: thing)
                if !isRestored {
                    isRestored = true
                    try restore(batch, from: index)
                }
                if !task.step.twins.contains(thing) { try load([thing], into: task) }
            case .needsTimers(let after):
                crashGuard?.leave()
                try loadTimers(after: after, into: task)
            case .refused(let refusal):
                setAside(record, headers: batch.headers(at: index), in: task, refusal)
                return true
            case .queued(let refusal):
                setAside(record, headers: batch.headers(at: index), in: task, refusal, attempts: 0)
                return true
            case .full(let reason):
                try block(task, reason)
                return false
            case .epochIsFull:
                crashGuard?.leave()
                try postpone(task)
                return false
            }
        }
    }

    /// Guards against a thing that is asked for again and again: a load that does not help is a bug.
    struct Loading {
        private var asked: [ThingID: Int] = [:]

        mutating func ask(for thing: ThingID) throws(EngineError) {
            asked[thing, default: 0] += 1
            // Once for a key that is not the thing id; a second miss of the same thing would never end.
            guard asked[thing, default: 0] <= 2 else {
                throw EngineError(.bug, .stop, "the twin \(thing) was loaded and is still missing")
            }
        }
    }

    func position(_ record: RawRecord) -> InputPosition {
        InputPosition(topic: topics[record.topic], partition: record.partition, offset: record.offset)
    }

    /// A record that Postgres refused becomes a dead letter.
    func setAside(
        condemned record: RawRecord, _ error: EngineError, headers: [DeadLetter.Header], in task: OwnedTask
    ) {
        task.step.countCondemned(record)
        setAside(
            record, headers: headers, in: task,
            .init(
                code: "sql-\(error.detail ?? "?")", message: error.message,
                thing: record.key.flatMap { try? ThingID(validating: String(decoding: $0, as: UTF8.self)) },
                processor: nil))
    }

    /// Writes a dead letter into the open epoch, and sends it to the topic's dead-letter topic.
    func setAside(
        _ record: RawRecord, headers: [DeadLetter.Header], in task: OwnedTask, _ refusal: StepVerdict.Refusal,
        attempts: Int = 1
    ) {
        var letter = DeadLetter(
            stage: setup.stage.name, topicName: topics[record.topic], record: record,
            headers: headers, code: refusal.code, message: refusal.message,
            thing: refusal.thing, processor: refusal.processor)
        letter.disposition = refusal.disposition
        letter.attempts = refusal.kept?.attempts ?? attempts
        letter.retryAt = refusal.kept?.retryAt
        // What is kept came from such a topic.
        if setup.stage.source.deadLetterTopic, refusal.kept == nil {
            task.step.emit(
                letter.output(
                    id: "\(task.step.idPrefix(letter.position.topic))/\(record.offset)/dlq",
                    topologyVersion: setup.topologyVersion, database: databaseID))
        }
        extras.deadLetters.append(letter)
    }

    /// Too much is parked: the task takes no record until some of it is redriven or discarded (rule 17).
    private func block(_ task: OwnedTask, _ reason: String) throws(EngineError) {
        if task.blockedUntil == nil {
            logger.error(
                "task paused: too much is parked; see `egiz dlq list`",
                metadata: [LogKey.partition: "\(task.id.partition)", LogKey.reason: "\(reason)"])
        }
        task.blockedUntil = ContinuousClock.now.advanced(by: .seconds(1))
        status.waiting(.parking, "task \(task.id.partition) is paused: \(reason)")
        try consumer?.pause(topics.map { TopicPartition($0, task.id.partition) })
    }

    /// The open epoch is full before the task's next record: it is read again once the epoch is closed, which the next turn does.
    private func postpone(_ task: OwnedTask) throws(EngineError) {
        task.owesTimers = true
        task.blockedUntil = .now
        try consumer?.pause(topics.map { TopicPartition($0, task.id.partition) })
    }

    /// Lets blocked tasks try their next record again.
    func unblock(_ now: ContinuousClock.Instant) throws(EngineError) {
        guard let consumer else { return }
        for task in tasks.values {
            guard let until = task.blockedUntil, until <= now else { continue }
            var partitions: [TopicPartition] = []
            for (index, topic) in topics.enumerated() {
                guard let next = task.next[index] else { continue }
                let partition = TopicPartition(topic, task.id.partition)
                do throws(EngineError) { try consumer.seek(partition, to: next) } catch {
                    guard error.retry == .backoff else { throw error }
                    task.blockedUntil = now.advanced(by: .seconds(1))
                    return
                }
                partitions.append(partition)
            }
            task.blockedUntil = nil
            status.recovered(.parking)
            try consumer.resume(partitions)
            pausedForCommit.subtract(partitions)
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
            guard !task.step.twins.contains(key),
                let thing = try? ThingID(validating: String(decoding: key, as: UTF8.self)), seen.insert(thing).inserted
            else { continue }
            missing[record.partition, default: []].append(thing)
        }
        for (partition, things) in missing {
            guard let task = tasks[partition] else { continue }
            try load(things, into: task)
        }
    }

    func load(_ asked: [ThingID], into task: OwnedTask) throws(EngineError) {
        // Where one timer needs its thing, the next ones will need theirs: one query for all that are due.
        let due = task.step.dueThings.filter { !asked.contains($0) && !task.step.twins.contains($0) }
        let things = due.isEmpty ? asked : asked + due
        let states = task.step.statefulProcessors
        let rows = try whileAway { store throws(EngineError) in
            try store.restore(things, of: setup.stage.name, states: states)
        }
        try task.step.install(rows.twins, states: rows.states, asked: things)
    }

    /// How many timers are loaded at a time.
    private static var timerPage: Int { 4096 }

    func loadTimers(after: TaskTimer?, into task: OwnedTask) throws(EngineError) {
        let page = try whileAway { store throws(EngineError) in
            try store.timers(of: task.id, after: after, limit: Self.timerPage)
        }
        task.step.installTimers(page, isLast: page.count < Self.timerPage)
    }

    /// Runs a query of the store again until it answers; Postgres being away only makes the thread wait. Gives up when asked to stop, and
    /// where a revocation must be answered.
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
                // The group waits for the answer to a revocation (rule 8).
                if let leaveBy, leaveBy <= .now { throw error }
                let pause = Date(timeIntervalSinceNow: backoff.next().seconds)
                stopFlag.wait(until: leaveBy.map { min($0, pause) } ?? pause)
            }
        }
    }

    /// Keeps the mark of each task's last record of the batch while its bytes are still at hand (rule 15).
    private func note(_ batch: any RecordBatch) {
        for task in tasks.values {
            for topic in task.lastInBatch.indices where task.lastInBatch[topic] >= 0 {
                task.marks[topic] = RecordMark(of: batch.record(at: task.lastInBatch[topic]))
                task.lastInBatch[topic] = -1
                task.idleSince = nil
            }
        }
    }
}
