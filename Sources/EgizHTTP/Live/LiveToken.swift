import EgizCore

/// Where a client is in the log: everything before these positions it has, or it was not meant for it.
///
/// As text it is base64url of `2;<log>;<moves>;<topic>:<partition>=<offset>,…;…`, and behind a dot what the client was allowed to see.
/// Nothing in it is secret: who sends one gets what a subscription gives, no more.
struct LiveToken: Sendable, Equatable {
    /// The log whose positions these are.
    var log: String
    /// The last move of a thing from one project to another that the client has been told of.
    var moves: Int64 = 0
    /// The next offset of each partition.
    var positions: [TopicPartition: Int64] = [:]
    /// A digest of what the client was allowed to see: `Principal.sight`. Who may see more now has nothing of it yet.
    var sight: UInt64?

    private static let mostPartitions = 100_000

    init(log: String, moves: Int64 = 0, positions: [TopicPartition: Int64], sight: UInt64? = nil) {
        self.log = log
        self.moves = moves
        self.positions = positions
        self.sight = sight
    }

    /// Nil where the text is none.
    init?(parsing text: String) {
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.utf8.count <= 1 << 20, let bytes = Base64URL.decode(String(halves[0])),
            let plain = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let parts = plain.split(separator: ";", omittingEmptySubsequences: false)
        if parts.count >= 2, parts[0] == "1" {
            // Of a server before this one: as of another log.
            log = ""
            return
        }
        guard parts.count >= 3, parts[0] == "2", let moves = Int64(parts[2]), moves >= 0 else { return nil }
        log = String(parts[1])
        self.moves = moves
        if halves.count > 1 {
            guard let sight = UInt64(halves[1], radix: 16) else { return nil }
            self.sight = sight
        }
        for part in parts.dropFirst(3) where !part.isEmpty {
            guard let colon = part.lastIndex(of: ":") else { return nil }
            let topic = Self.long(String(part[..<colon]))
            for pair in part[part.index(after: colon)...].split(separator: ",") {
                let numbers = pair.split(separator: "=", omittingEmptySubsequences: false)
                guard numbers.count == 2, let partition = Int32(numbers[0]), partition >= 0,
                    let offset = Int64(numbers[1]), offset >= 0, positions.count < Self.mostPartitions
                else { return nil }
                positions[TopicPartition(topic, partition)] = offset
            }
        }
    }

    var text: String {
        var plain = "2;\(log);\(moves)"
        var topic: String?
        for (partition, offset) in positions.sorted(by: { $0.key < $1.key }) {
            if partition.topic == topic {
                plain += ","
            } else {
                topic = partition.topic
                plain += ";\(Self.short(partition.topic)):"
            }
            plain += "\(partition.partition)=\(offset)"
        }
        let text = Base64URL.encode(plain.utf8)
        return sight.map { Self.text(text, sight: $0) } ?? text
    }

    /// A token that all clients have, for one that may see that.
    static func text(_ text: String, sight: UInt64) -> String { "\(text).\(String(sight, radix: 16))" }

    /// Nearly all topics begin alike; `@` stands for that, which no topic has in its name.
    private static func short(_ topic: String) -> String {
        topic.hasPrefix(LiveKind.notifications) ? "@" + topic.dropFirst(LiveKind.notifications.count) : topic
    }

    private static func long(_ text: String) -> String {
        text.hasPrefix("@") ? LiveKind.notifications + text.dropFirst() : text
    }
}
