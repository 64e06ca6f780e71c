import EgizCore
import EgizTwin

/// A record that a test pushes, or many of one pattern.
struct GivenRecord: Sendable {
    struct Repeat: Sendable {
        var from: Int64
        var to: Int64
        /// Between two records, in microseconds of their time.
        var every: Int64
    }

    var mark: SourceMark
    var topic: String
    /// As written; `.absent` has none, `.ofValue` takes the thing that the value names.
    var key: Key
    var partition: Int32?
    /// The time of the record in the log; nil: the log has none.
    var at: EventTime?
    var value: RecordValue
    var times: Repeat?
    var headers: [DeadLetter.Header] = []

    enum Key: Sendable {
        case text(String)
        case absent
        case ofValue
    }
}

/// The value of a record.
enum RecordValue: Sendable {
    case json(JSONValue)
    case text(String)
    case bytes([UInt8])
    case tombstone
}

/// A record with all placeholders filled in.
struct ReadyRecord {
    var key: [UInt8]?
    var value: [UInt8]?
    var time: EventTime
}

extension GivenRecord {
    /// The records it stands for, in order.
    var records: [ReadyRecord] {
        guard let times else { return [record(Template(number: nil, at: at))] }
        return (times.from...times.to).map { number in
            record(
                Template(number: number, at: at?.advanced(byMicroseconds: (number - times.from) * times.every)))
        }
    }

    private func record(_ template: Template) -> ReadyRecord {
        var bytes: [UInt8]?
        var thing: String?
        switch value {
        case .json(let json):
            let filled = template.fill(json)
            thing = Self.thing(in: filled)
            bytes = Array(filled.text.utf8)
        case .text(let text): bytes = Array(times == nil ? text.utf8 : template.fill(text).utf8)
        case .bytes(let given): bytes = given
        case .tombstone: bytes = nil
        }
        let key: String? =
            switch self.key {
            case .text(let text): template.fill(text)
            case .absent: nil
            case .ofValue: thing
            }
        return ReadyRecord(
            key: key.map { Array($0.utf8) }, value: bytes, time: template.at ?? EventTime(microseconds: 0))
    }

    /// The thing that a telemetry record or a Ditto event is about.
    private static func thing(in value: JSONValue) -> String? {
        guard let object = value.object else { return nil }
        if let id = object["thingId"]?.string { return id }
        guard let parts = object["topic"]?.string?.split(separator: "/", maxSplits: 2), parts.count == 3 else {
            return nil
        }
        return "\(parts[0]):\(parts[1])"
    }
}
