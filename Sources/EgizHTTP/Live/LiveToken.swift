import EgizCore

/// Where a client is in the log: everything before these positions it has, or it was not meant for it.
///
/// As text it is base64url of `1;<log>;<topic>:<partition>=<offset>,…;…`. Nothing in it is secret: who sends one gets what a subscription
/// gives, no more.
struct LiveToken: Sendable, Equatable {
    /// The log whose positions these are.
    var log: String
    /// The next offset of each partition.
    var positions: [TopicPartition: Int64] = [:]

    private static let mostPartitions = 100_000

    init(log: String, positions: [TopicPartition: Int64]) {
        self.log = log
        self.positions = positions
    }

    /// Nil where the text is none.
    init?(parsing text: String) {
        guard text.utf8.count <= 1 << 20, let bytes = Base64URL.decode(text),
            let plain = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let parts = plain.split(separator: ";", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0] == "1" else { return nil }
        log = String(parts[1])
        for part in parts.dropFirst(2) where !part.isEmpty {
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
        var plain = "1;\(log)"
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
        return Base64URL.encode(plain.utf8)
    }

    /// Nearly all topics begin alike; `@` stands for that, which no topic has in its name.
    private static func short(_ topic: String) -> String {
        topic.hasPrefix(LiveKind.notifications) ? "@" + topic.dropFirst(LiveKind.notifications.count) : topic
    }

    private static func long(_ text: String) -> String {
        text.hasPrefix("@") ? LiveKind.notifications + text.dropFirst() : text
    }
}
