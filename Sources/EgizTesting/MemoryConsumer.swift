import EgizCore
import EgizRuntime
import EgizTwin
import Foundation

/// A member of a group on a `MemoryLog`; behaves as the port says librdkafka does. Confined to one thread.
final class MemoryConsumer: LogConsumer {
    let topics: [String]
    private let log: MemoryLog
    private let group: String
    private var id: Int?
    private var positions: [TopicPartition: Int64] = [:]
    private var paused: Set<TopicPartition> = []
    /// Their position fell out of the log: not fetched until sought.
    private var stuck: Set<TopicPartition> = []
    private var isClosed = false
    /// Records before the position that the next fetch hands out as well, as a client does that had them in its queue.
    private var staleBefore: [TopicPartition: Int] = [:]
    private var turn = 0

    init(log: MemoryLog, group: String, topics: [String]) {
        self.log = log
        self.group = group
        self.topics = topics
    }

    func poll(limit: Int, timeout: Duration, listener: any AssignmentListener) throws(EngineError)
        -> (any RecordBatch)?
    {
        let deadline = Date(timeIntervalSinceNow: timeout.seconds)
        while true {
            let seen = log.currentVersion
            try checkBroker()
            join()
            serveRebalance(listener)
            let records = try gather(limit)
            if !records.isEmpty { return MemoryRecordBatch(records) }
            guard log.waitForChange(after: seen, until: deadline) else { return nil }
        }
    }

    private func gather(_ limit: Int) throws(EngineError) -> [(topic: Int, partition: Int32, record: MemoryLog.Record)]
    {
        log.condition.lock()
        defer { log.condition.unlock() }
        if log.isQuiet { return [] }
        var records: [(topic: Int, partition: Int32, record: MemoryLog.Record)] = []
        // Round robin from a rising start, so that no partition waits for ever behind a busy one.
        let order = positions.keys.sorted()
        turn += 1
        for index in order.indices {
            let partition = order[(index + turn) % order.count]
            guard !paused.contains(partition), !stuck.contains(partition), let position = positions[partition],
                let content = log.topics[partition.topic]?[Int(partition.partition)]
            else { continue }
            guard position >= content.start, position <= content.end else {
                stuck.insert(partition)
                throw EngineError(
                    .gap, .stop,
                    "offset \(position) of \(partition) is outside the log \(content.start)..<\(content.end)")
            }
            if position == content.end, log.drained[partition] != position {
                log.drained[partition] = position
                log.noteChange()
            }
            var from = Int(position - content.start)
            if let stale = staleBefore.removeValue(forKey: partition) { from = max(0, from - stale) }
            let to = min(content.records.count, from + limit - records.count)
            guard to > from, let topic = topics.firstIndex(of: partition.topic) else { continue }
            for record in content.records[from..<to] where !record.isMark {
                records.append((topic, partition.partition, record))
            }
            positions[partition] = content.start + Int64(to)
        }
        if !records.isEmpty {
            log.handed += records.count
            log.noteChange()
        }
        return records
    }

    // MARK: The group

    private func join() {
        guard id == nil, !isClosed else { return }
        id = log.change {
            let id = log.nextMember
            log.nextMember += 1
            log.groups[group, default: MemoryGroup()].topics.formUnion(topics)
            log.groups[group]?.members[id] = .init()
            log.rebalanceLocked(group)
            return id
        }
    }

    private func serveRebalance(_ listener: any AssignmentListener) {
        guard let id else { return }
        if let lost = takeLost(id) {
            forget(lost)
            if !lost.isEmpty { listener.revoked(lost.sorted(), lost: true) }
            self.id = nil
            join()
            return serveRebalance(listener)
        }
        let (leaving, generation) = log.read { () -> (Set<TopicPartition>, Int) in
            guard let group = log.groups[self.group], let member = group.members[id] else { return ([], 0) }
            guard member.generation != group.generation else { return ([], group.generation) }
            let target = group.targets[id] ?? []
            return (group.protocolName == .eager ? member.owned : member.owned.subtracting(target), group.generation)
        }
        if !leaving.isEmpty {
            // What leaves is not read any more, and the group waits for our return.
            for partition in leaving { positions[partition] = nil }
            let body = log.change {
                defer { log.beforeAnswer = nil }
                return log.beforeAnswer
            }
            body?()
            listener.revoked(leaving.sorted(), lost: false)
            forget(leaving)
        }
        guard log.read({ log.groups[group]?.hasNews(for: id) ?? false }) else { return }
        let coming = log.change { () -> Set<TopicPartition> in
            guard var group = log.groups[self.group], let member = group.members[id] else { return [] }
            group.members[id]?.owned.subtract(leaving)
            // While the listener was asked another generation may have come, which wants more of us: that one is answered next.
            group.members[id]?.generation = generation
            defer { log.groups[self.group] = group }
            guard generation == group.generation else { return [] }
            let target = (group.targets[id] ?? []).subtracting(member.owned.subtracting(leaving))
            guard group.isFree(target, for: id) else { return [] }
            group.members[id]?.owned.formUnion(target)
            return target
        }
        guard !coming.isEmpty else { return }
        let answer = listener.assigned(coming.sorted())
        for partition in coming {
            paused.remove(partition)
            if let position = answer[partition] {
                positions[partition] = position.raw
            } else {
                // Assigned, paused and not read.
                paused.insert(partition)
                positions[partition] = 0
            }
        }
    }

    /// What the member held when it was expelled; nil where it was not.
    private func takeLost(_ id: Int) -> Set<TopicPartition>? {
        guard log.read({ log.groups[group]?.members[id]?.isExpelled == true }) else { return nil }
        return log.change {
            log.groups[group]?.members[id] = nil
            return Set(positions.keys)
        }
    }

    private func forget(_ partitions: Set<TopicPartition>) {
        for partition in partitions {
            positions[partition] = nil
            paused.remove(partition)
            stuck.remove(partition)
        }
    }

    func close(listener: any AssignmentListener) {
        guard !isClosed else { return }
        isClosed = true
        guard let id else { return }
        let lost = takeLost(id)
        let held = Set(positions.keys)
        positions = [:]
        if !held.isEmpty { listener.revoked(held.sorted(), lost: lost != nil) }
        log.change {
            log.groups[group]?.members[id] = nil
            log.rebalanceLocked(group)
        }
    }

    // MARK: Questions

    private func checkBroker() throws(EngineError) {
        if isClosed { throw EngineError(.bug, .stop, "the consumer was used after close()") }
        if log.read({ log.isAway }) { throw EngineError(.kafka, .backoff, "the broker is away") }
    }

    private func ask() throws(EngineError) {
        try checkBroker()
        let isBroken = log.change {
            defer { log.brokenQueries = max(0, log.brokenQueries - 1) }
            return log.brokenQueries > 0
        }
        if isBroken { throw EngineError(.kafka, .backoff, "the broker did not answer") }
    }

    private func content(_ partition: TopicPartition) throws(EngineError) -> MemoryLog.Partition {
        try ask()
        let found = log.read { () -> MemoryLog.Partition? in
            guard let all = log.topics[partition.topic], all.indices.contains(Int(partition.partition)) else {
                return nil
            }
            return all[Int(partition.partition)]
        }
        guard let found else { throw EngineError(.kafka, .backoff, "\(partition) is unknown to the broker") }
        return found
    }

    func watermarks(of partitions: [TopicPartition]) throws(EngineError) -> [TopicPartition: LogWatermarks] {
        var watermarks: [TopicPartition: LogWatermarks] = [:]
        for partition in partitions {
            let content = try content(partition)
            watermarks[partition] = LogWatermarks(
                start: NextOffset(stored: content.start), end: NextOffset(stored: content.end))
        }
        return watermarks
    }

    func cachedEnd(of partition: TopicPartition) -> NextOffset? {
        log.read {
            guard let all = log.topics[partition.topic], all.indices.contains(Int(partition.partition)) else {
                return nil
            }
            return NextOffset(stored: all[Int(partition.partition)].end)
        }
    }

    func readThrough(_ partition: TopicPartition) -> NextOffset? {
        guard !paused.contains(partition) else { return nil }
        return positions[partition].map { NextOffset(stored: $0) }
    }

    func mark(at offset: Int64, of partition: TopicPartition) throws(EngineError) -> RecordMark? {
        let content = try content(partition)
        guard offset >= content.start, offset < content.end else { return nil }
        let record = content.records[Int(offset - content.start)]
        if record.isMark { return nil }
        var crc = CRC32()
        record.key?.withUnsafeBytes { crc.update($0) }
        record.value?.withUnsafeBytes { crc.update($0) }
        return RecordMark(offset: offset, timestamp: record.timestamp, crc: crc.value)
    }

    func identity() throws(EngineError) -> LogIdentity {
        try ask()
        return log.read { log.identity }
    }

    func partitionCounts() throws(EngineError) -> [String: Int32] {
        try ask()
        return log.read { log.topics.mapValues { Int32($0.count) }.filter { topics.contains($0.key) } }
    }

    func seek(_ partition: TopicPartition, to offset: NextOffset) throws(EngineError) {
        try ask()
        guard positions[partition] != nil else {
            throw EngineError(.kafka, .stop, "\(partition) is not assigned and cannot be sought")
        }
        positions[partition] = offset.raw
        stuck.remove(partition)
        let stale = log.read { log.staleAfterSeek }
        if stale > 0 { staleBefore[partition] = stale }
        log.change { log.seeks[partition, default: []].append(offset) }
    }

    func pause(_ partitions: [TopicPartition]) throws(EngineError) {
        try checkBroker()
        paused.formUnion(partitions)
    }

    func resume(_ partitions: [TopicPartition]) throws(EngineError) {
        try checkBroker()
        paused.subtract(partitions)
    }

    func membership() throws(EngineError) -> any GroupMembership {
        try checkBroker()
        guard let id else { throw EngineError(.kafka, .backoff, "the group has not let us in") }
        let generation = log.read { log.groups[group]?.members[id]?.generation ?? 0 }
        return MemoryMembership(log: log, group: group, member: id, generation: generation)
    }

    func groupOffsets(of partitions: [TopicPartition]) throws(EngineError) -> [TopicPartition: GroupOffset] {
        try checkBroker()
        log.change { log.meanwhile.isEmpty ? nil : log.meanwhile.removeFirst() }?()
        let all = log.groupOffsets(of: group)
        return all.filter { partitions.contains($0.key) }
    }
}
