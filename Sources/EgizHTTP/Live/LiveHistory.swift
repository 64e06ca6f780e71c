import EgizCore

/// The last items of all partitions, bounded together, and where the log stands.
struct LiveHistory {
    private(set) var log = ""
    private var rings: [TopicPartition: LiveRing] = [:]
    private var bytes = 0
    private let mostBytes: Int
    private let mostItems: Int

    /// - Parameters:
    ///   - mostItems: of each partition.
    ///   - mostBytes: of all of them.
    init(mostItems: Int, mostBytes: Int) {
        self.mostItems = mostItems
        self.mostBytes = mostBytes
    }

    /// Everything before is of another log.
    mutating func restart(log: String) {
        self.log = log
        rings = [:]
        bytes = 0
    }

    mutating func start(_ partition: TopicPartition, at offset: Int64) {
        if rings[partition] == nil { rings[partition] = LiveRing(start: offset) }
    }

    mutating func advance(_ partition: TopicPartition, to offset: Int64) {
        rings[partition, default: LiveRing(start: offset)].advance(to: offset)
    }

    mutating func append(_ item: LiveItem) {
        rings[item.partition, default: LiveRing(start: item.offset)].append(item)
        bytes += LiveRing.weight(item)
        while let count = rings[item.partition]?.count, count > mostItems { drop(item.partition) }
        // The fullest gives way, so that a busy topic does not take the past of the quiet ones.
        while bytes > mostBytes, let fullest = rings.max(by: { $0.value.count < $1.value.count }),
            fullest.value.count > 0
        {
            drop(fullest.key)
        }
    }

    private mutating func drop(_ partition: TopicPartition) { bytes -= rings[partition]?.drop() ?? 0 }

    /// Where a client is that has everything so far.
    ///
    /// - Parameter moves: `LiveToken.moves`.
    func token(moves: Int64) -> LiveToken {
        token(at: rings.mapValues(\.next), moves: moves) ?? LiveToken(log: log, moves: moves, positions: [:])
    }

    /// Where a client is that has everything before these; nil where it cannot be said any more what was before.
    func token(at positions: [TopicPartition: Int64], moves: Int64 = 0) -> LiveToken? {
        marks(before: positions).map { LiveToken(log: log, moves: moves, positions: positions, marks: $0) }
    }

    /// By topic, what identifies the last items before these; nil where some are not known.
    private func marks(before positions: [TopicPartition: Int64]) -> [String: UInt32]? {
        var digests: [String: CRC32] = [:]
        for (partition, offset) in positions.sorted(by: { $0.key < $1.key }) {
            // A partition that we do not know: of a log that had more topics.
            guard let mark = rings[partition]?.mark(before: offset) else { return nil }
            var digest = digests[partition.topic] ?? CRC32()
            withUnsafeBytes(of: (partition.partition.littleEndian, mark.littleEndian)) { digest.update($0) }
            digests[partition.topic] = digest
        }
        return digests.mapValues(\.value)
    }

    /// Whether everything before these positions was read.
    func isBeyond(_ positions: [TopicPartition: Int64]) -> Bool {
        positions.allSatisfy { rings[$0.key]?.next ?? 0 >= $0.value }
    }

    /// What came since of these kinds; nil where that cannot be said any more: another log, a topic that was made anew, records that are
    /// gone from here, or kinds that the token says nothing of.
    func since(_ token: LiveToken, kinds: UInt8 = LiveKind.all) -> [LiveItem]? {
        guard token.isOf(log: log), token.kinds & kinds == kinds else { return nil }
        let token = token.restricted(to: kinds)
        guard let marks = marks(before: token.positions), marks == token.marks else { return nil }
        var found: [LiveItem] = []
        for (partition, ring) in rings.sorted(by: { $0.key < $1.key })
        where LiveKind.mask(topic: partition.topic) & kinds != 0 {
            // Of a partition that was not there yet nothing has been missed if all of it is here.
            guard let items = ring.items(from: token.positions[partition] ?? 0) else { return nil }
            found += items
        }
        return found
    }
}
