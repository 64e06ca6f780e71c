import EgizCore

/// Where a client is in the log: everything before these positions it has, or it was not meant for it.
///
/// As text it is base64url of bytes, and behind a dot what the client was allowed to see. Nothing in it is secret: who sends one gets what
/// a subscription gives, no more. It goes out with every frame of changes, so it is short: a byte or two beside each offset.
struct LiveToken: Sendable, Equatable {
    /// A digest of the name of the log whose positions these are; nil: of a server before this one, so of no log that we know.
    private(set) var log: UInt32?
    /// The last move of a thing from one project to another that the client has been told of.
    var moves: Int64 = 0
    /// The kinds whose topics are in it, as `LiveKind.mask`.
    var kinds: UInt8 = LiveKind.all
    /// The next offset of each partition.
    var positions: [TopicPartition: Int64] = [:]
    /// Of each topic a digest of the last records before those offsets: a topic that was deleted and made anew has others there.
    var marks: [String: UInt32] = [:]
    /// A digest of what the client was allowed to see: `Principal.sight`. Who may see more now has nothing of it yet.
    var sight: UInt64?

    private static let version: UInt8 = 3
    private static let mostPartitions = 100_000

    init(
        log: String, moves: Int64 = 0, kinds: UInt8 = LiveKind.all, positions: [TopicPartition: Int64],
        marks: [String: UInt32] = [:], sight: UInt64? = nil
    ) {
        self.log = Self.digest(log)
        (self.moves, self.kinds, self.positions) = (moves, kinds, positions)
        (self.marks, self.sight) = (marks, sight)
    }

    func isOf(log: String) -> Bool { self.log == Self.digest(log) }

    private static func digest(_ text: String) -> UInt32 {
        var crc = CRC32()
        crc.update(text.utf8)
        return crc.value
    }

    /// What a client with subscriptions of these kinds needs of it.
    func restricted(to kinds: UInt8) -> LiveToken {
        guard self.kinds & ~kinds != 0 else { return self }
        var token = self
        token.kinds &= kinds
        token.positions = positions.filter { LiveKind.mask(topic: $0.key.topic) & kinds != 0 }
        token.marks = marks.filter { LiveKind.mask(topic: $0.key) & kinds != 0 }
        return token
    }

    // MARK: Text

    /// Nil where the text is none.
    init?(parsing text: String) {
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.utf8.count <= 1 << 20, let bytes = Base64URL.decode(String(halves[0])) else { return nil }
        if bytes.starts(with: "1;".utf8) || bytes.starts(with: "2;".utf8) { return }
        var reader = Bytes(bytes: bytes)
        guard reader.byte() == Self.version, let log = reader.word(), let moves = reader.number(),
            let kinds = reader.byte(), kinds & ~LiveKind.all == 0
        else { return nil }
        (self.log, self.moves, self.kinds) = (log, moves, kinds)
        if halves.count > 1 {
            guard let sight = UInt64(halves[1], radix: 16) else { return nil }
            self.sight = sight
        }
        while !reader.isAtEnd {
            guard let name = reader.text(), let mark = reader.word(), let count = reader.number() else { return nil }
            let topic = Self.long(name)
            guard marks.updateValue(mark, forKey: topic) == nil else { return nil }
            var partition: Int64 = -1
            for _ in 0..<count {
                guard let gap = reader.number(), let offset = reader.number(), gap > 0, gap <= Int64(Int32.max),
                    positions.count < Self.mostPartitions
                else { return nil }
                partition += gap
                guard let number = Int32(exactly: partition) else { return nil }
                positions[TopicPartition(topic, number)] = offset
            }
        }
    }

    var text: String {
        var bytes = Bytes()
        bytes.write(Self.version)
        bytes.write(word: log ?? 0)
        bytes.write(number: moves)
        bytes.write(kinds)
        var byTopic: [String: [(Int32, Int64)]] = [:]
        for (place, offset) in positions { byTopic[place.topic, default: []].append((place.partition, offset)) }
        for (topic, places) in byTopic.sorted(by: { $0.key < $1.key }) {
            bytes.write(Self.short(topic))
            bytes.write(word: marks[topic] ?? 0)
            bytes.write(number: Int64(places.count))
            var before: Int32 = -1
            for (partition, offset) in places.sorted(by: { $0.0 < $1.0 }) {
                bytes.write(number: Int64(partition - before))
                bytes.write(number: offset)
                before = partition
            }
        }
        let text = Base64URL.encode(bytes.bytes)
        return sight.map { "\(text).\(String($0, radix: 16))" } ?? text
    }

    /// Nearly all topics begin alike; `@` stands for that, which no topic has in its name.
    private static func short(_ topic: String) -> String {
        topic.hasPrefix(LiveKind.notifications) ? "@" + topic.dropFirst(LiveKind.notifications.count) : topic
    }

    private static func long(_ text: String) -> String {
        text.hasPrefix("@") ? LiveKind.notifications + text.dropFirst() : text
    }

    /// The bytes of a token, as they are written and read: numbers in LEB128.
    private struct Bytes {
        var bytes: [UInt8] = []
        private var place = 0

        init(bytes: [UInt8] = []) { self.bytes = bytes }

        var isAtEnd: Bool { place == bytes.count }

        mutating func write(_ byte: UInt8) { bytes.append(byte) }

        mutating func write(word: UInt32) {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }

        mutating func write(number: Int64) {
            var rest = UInt64(max(0, number))
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }

        mutating func write(_ text: String) {
            write(number: Int64(text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        }

        mutating func byte() -> UInt8? {
            guard place < bytes.count else { return nil }
            defer { place += 1 }
            return bytes[place]
        }

        mutating func word() -> UInt32? {
            var word: UInt32 = 0
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                guard let byte = byte() else { return nil }
                word |= UInt32(byte) << shift
            }
            return word
        }

        mutating func number() -> Int64? {
            var number: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 63, by: 7) {
                guard let byte = byte() else { return nil }
                number |= UInt64(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return Int64(number) }
            }
            return nil
        }

        mutating func text() -> String? {
            guard let count = number(), count <= Int64(bytes.count - place) else { return nil }
            defer { place += Int(count) }
            return String(validating: bytes[place..<place + Int(count)], as: UTF8.self)
        }
    }
}

extension CRC32 {
    mutating func update(_ bytes: some Sequence<UInt8>) { Array(bytes).withUnsafeBytes { update($0) } }
}
