import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin

/// One record of the log as live push hands it on: read once, shared by all clients.
final class LiveItem: Sendable {
    enum Change: String, Sendable { case created, changed, deleted }

    /// One element of a twin's `changes`.
    struct Part: Sendable {
        var path: ByteText
        var isRemoval: Bool
        /// The element as JSON.
        var json: [UInt8]
    }

    let kind: LiveKind
    let partition: TopicPartition
    let offset: Int64
    /// The record's key; nil: it is about no thing.
    let thing: ByteText?
    /// The thing's project; nil: nobody's.
    let project: ProjectID?
    let revision: Int64?
    /// The input record that caused it; of predictions the record itself.
    let cause: InputPosition?
    /// Of predictions: the state of the thing that the model was asked about.
    let asked: LiveAnswers.State?
    /// Of the items of one thing and kind with one key the last is enough; nil: each counts.
    let key: ByteText?
    // Of twins.
    let change: Change
    /// The record does not say what changed.
    let isReload: Bool
    let parts: [Part]
    /// The value without what they say, as JSON without its last brace.
    private let facts: [UInt8]
    /// The item in a frame, with all of its parts.
    let json: [UInt8]
    /// Identifies the record: another log has another one at its place.
    let mark: UInt32

    /// Nil for what is no JSON object, of a topic that live push does not know, or a tombstone.
    init?(_ record: TailBatch.Record, project: ProjectID?, parser: JSONParser) {
        guard let kind = LiveKind(topic: record.partition.topic), let value = record.value,
            let object = (try? parser.parse(value))?.object
        else { return nil }
        self.kind = kind
        partition = record.partition
        offset = record.offset
        mark = Self.mark(record)
        thing = kind == .topology ? nil : object["thingId"]?.string.map { ByteText($0) } ?? LiveItem.thing(of: record)
        // What the registry tells is about no thing, and says itself whose it is. The project is that of the key's thing: a record that
        // speaks of another thing is for admins.
        let own = thing == LiveItem.thing(of: record) ? project : nil
        self.project = kind == .topology ? object["project"]?.string.flatMap { ProjectID($0) } : own
        if case .int(let number) = object["revision"] { revision = number } else { revision = nil }
        // What a model says is compared by its own place: the row of a prediction has it.
        cause =
            kind == .prediction
            ? InputPosition(topic: record.partition.topic, partition: record.partition.partition, offset: record.offset)
            : Self.position(object["cause"])
        asked = kind == .prediction ? Self.asked(object["metadata"]) : nil
        switch kind {
        case .binding: key = Self.key(object, "objectName", "target")
        case .alert: key = Self.key(object, "key", "raisedAt")
        case .prediction: key = Self.key(object, "task", "model", "shadow")
        case .twin, .notification, .topology: key = nil
        }
        // A twin's without a thing is none.
        if kind == .twin, object["thingId"]?.string == nil { return nil }
        guard kind == .twin else {
            (change, isReload, parts, facts) = (.changed, false, [], [])
            json = Self.frame(kind, thing, record.partition, record.offset, value)
            return
        }
        change = object["change"]?.string.flatMap(Change.init) ?? .changed
        if case .bool(true) = object["reload"] { isReload = true } else { isReload = false }
        parts = Self.parts(object["changes"])
        var rest = object
        for name in ["change", "changes", "reload"] { rest.remove(name) }
        var facts: [UInt8] = []
        JSONValue.object(rest).write(into: &facts)
        facts.removeLast()
        self.facts = facts
        json = Self.frame(
            kind, thing, record.partition, record.offset, Self.value(facts, change, isReload, parts))
    }

    private static func mark(_ record: TailBatch.Record) -> UInt32 {
        var crc = CRC32()
        for number in [record.offset, record.time] { withUnsafeBytes(of: number.littleEndian) { crc.update($0) } }
        record.key?.withUnsafeBytes { crc.update($0) }
        record.value?.withUnsafeBytes { crc.update($0) }
        return crc.value
    }

    var isDeletion: Bool { kind == .twin && change == .deleted }

    /// The thing that a record is about, by its key.
    static func thing(of record: TailBatch.Record) -> ByteText? {
        guard LiveKind(topic: record.partition.topic) != .topology, let key = record.key,
            let text = String(validating: key, as: UTF8.self)
        else { return nil }
        return (try? ThingID(validating: text)).map { ByteText($0.text) }
    }

    /// The item as a twin's with other parts: some of its own, or those of earlier items together with its own.
    func json(_ change: Change, isReload: Bool, parts: [Part]) -> [UInt8] {
        Self.frame(kind, thing, partition, offset, Self.value(facts, change, isReload, parts))
    }

    /// What names one of several, by these members; the parts cannot run into each other.
    static func key(_ parts: String...) -> ByteText { ByteText(parts.joined(separator: "\u{0}")) }

    // MARK: Inner workings

    private static func key(_ object: JSONObject, _ names: String...) -> ByteText {
        ByteText(names.map { object[$0]?.string ?? object[$0]?.text ?? "" }.joined(separator: "\u{0}"))
    }

    private static func value(_ facts: [UInt8], _ change: Change, _ isReload: Bool, _ parts: [Part]) -> [UInt8] {
        var bytes = facts
        bytes.reserveCapacity(facts.count + 64 + parts.reduce(0) { $0 + $1.json.count + 1 })
        bytes.append(contentsOf: #","change":"\#(change.rawValue)""#.utf8)
        if isReload { bytes.append(contentsOf: #","reload":true"#.utf8) }
        bytes.append(contentsOf: #","changes":["#.utf8)
        for (index, part) in parts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: part.json)
        }
        bytes.append(contentsOf: "]}".utf8)
        return bytes
    }

    private static func frame(
        _ kind: LiveKind, _ thing: ByteText?, _ partition: TopicPartition, _ offset: Int64, _ value: [UInt8]
    ) -> [UInt8] {
        var out = JSONOutput(capacity: value.count + 192)
        out.beginObject()
        out.member("kind", kind.rawValue)
        if let thing { out.member("thingId", thing.text) }
        out.key("position")
        out.beginObject()
        out.member("topic", partition.topic)
        out.member("partition", partition.partition)
        out.member("offset", offset)
        out.endObject()
        out.key("value")
        out.raw(value)
        out.endObject()
        return out.bytes
    }

    private static func parts(_ value: JSONValue?) -> [Part] {
        guard case .array(let elements) = value else { return [] }
        return elements.compactMap { element in
            guard let path = element.object?["path"]?.string else { return nil }
            var json: [UInt8] = []
            element.write(into: &json)
            return Part(path: ByteText(path), isRemoval: element.object?["removed"] != nil, json: json)
        }
    }

    /// As `prediction-writer` reads it.
    private static func asked(_ metadata: JSONValue?) -> LiveAnswers.State? {
        guard let object = metadata?.object, let text = object["time"]?.string,
            let time = (try? Timestamp(parsing: text))?.eventTime
        else { return nil }
        guard case .int(let revision) = object["revision"] else { return .init(revision: 0, time: time) }
        return .init(revision: revision, time: time)
    }

    private static func position(_ value: JSONValue?) -> InputPosition? {
        guard let object = value?.object, let topic = object["topic"]?.string,
            case .int(let partition) = object["partition"],
            case .int(let offset) = object["offset"]
        else { return nil }
        return InputPosition(topic: topic, partition: Int32(clamping: partition), offset: offset)
    }
}
