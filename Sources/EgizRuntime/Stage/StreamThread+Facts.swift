import EgizCore

/// What a takeover must know of the log before it decides.
extension StreamThread {
    /// The partition count of the stage; its topics must have one (rule 13 needs a thing in one place).
    func coPartitioned(_ counts: [String: Int32]) throws(EngineError) -> Int32 {
        let distinct = Set(topics.compactMap { counts[$0] })
        guard distinct.count <= 1 else {
            let list = topics.map { "\($0): \(counts[$0].map(String.init) ?? "missing")" }.joined(separator: ", ")
            throw EngineError(
                .topology, .stop,
                "the topics of source \(setup.stage.source.name) have different partition counts (\(list)); one thing must always land in one partition number, so give them the same count or read them as two sources"
            )
        }
        return distinct.first ?? 0
    }

    /// The last processed record of each task as the log has it now, where it still has it (rule 15): read all at once.
    func lastRecords(
        of leases: [TaskLease], watermarks: [TopicPartition: LogWatermarks], log: LogIdentity, consumer: any LogConsumer
    ) throws(EngineError) -> [TopicPartition: RecordMark] {
        var offsets: [TopicPartition: Int64] = [:]
        for lease in leases where lease.log?.isSameLog(as: log) ?? false {
            for topic in topics {
                let partition = TopicPartition(topic, lease.task.partition)
                guard let mark = lease.positions[topic]?.mark, let ends = watermarks[partition],
                    mark.offset >= ends.start.raw, mark.offset < ends.end.raw
                else { continue }
                offsets[partition] = mark.offset
            }
        }
        return offsets.isEmpty ? [:] : try consumer.marks(at: offsets)
    }

    func facts(
        of lease: TaskLease, watermarks: [TopicPartition: LogWatermarks], marks: [TopicPartition: RecordMark]
    ) throws(EngineError) -> [TakeoverPlan.Facts] {
        var facts: [TakeoverPlan.Facts] = []
        for topic in topics {
            let partition = TopicPartition(topic, lease.task.partition)
            let stored = lease.positions[topic]
            guard let watermarks = watermarks[partition] else {
                throw EngineError(.kafka, .backoff, "the ends of \(partition) are not known")
            }
            facts.append(
                .init(
                    partition: partition, stored: stored?.next, storedMark: stored?.mark, watermarks: watermarks,
                    foundMark: marks[partition]))
        }
        return facts
    }
}
