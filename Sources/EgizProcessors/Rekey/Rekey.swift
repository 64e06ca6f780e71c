public import EgizCore
import EgizTwin

/// The kind `rekey`: the records of a source once more in another topic, with the thing they are about as their key.
///
/// Values and headers stay as they came. Within a partition of the source the order of each thing's records is kept; records are in
/// the other topic exactly once for readers of committed records.
public final class Rekey: RecordProcessor {
    public static let spec = KindSpec(
        kind: "rekey",
        summary: """
            Writes the records of a source to another topic with the thing id as their key, for producers that do not key by \
            thing: the stage that makes twins reads that topic. Values and headers stay as they came; headers `egiz-origin-*` say \
            where a record came from.
            """,
        input: .records,
        output: .none,
        projections: [],
        fields: [
            .init("to", .topic, required: true, "The topic of the records with their new key."),
            .init(
                "thing", .string, default: "/thingId",
                "Where the value says which thing it is about, a JSON pointer: a thing id, or the topic path of a Ditto Protocol message (`/topic`)."
            ),
        ],
        metrics: [
            .init("emitted", "records to Kafka, dead letters included"),
            .init("deadLetters", "records that name no thing"),
        ],
        example: """
            keyed: { kind: rekey, from: gateway, to: machines.keyed.v1, thing: /topic }
            """)

    public static let readsBytes = true

    private static let prefix = "egiz-origin-"

    private let topic: String
    private let pointer: JSONPointer
    private let parser = JSONParser()

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        topic = try reader.required("to")
        guard let pointer = try? JSONPointer(parsing: reader.required("thing")), !pointer.segments.isEmpty else {
            throw reader.fault("thing", "a JSON pointer such as /thingId")
        }
        self.pointer = pointer
    }

    public func process(_ record: InputRecord, into effects: inout RecordEffects) throws(RecordFault) {
        let thing = try thing(of: record)
        func header(_ name: String, _ value: [UInt8]) -> DeadLetter.Header {
            DeadLetter.Header(name: Self.prefix + name, value: value)
        }
        // The record becomes one of ours: its own `egiz-id` is that of another.
        var headers = record.headers.filter { $0.name != "egiz-id" && !$0.name.hasPrefix(Self.prefix) }
        headers.append(header("topic", Array(record.position.topic.utf8)))
        headers.append(header("partition", Array("\(record.position.partition)".utf8)))
        headers.append(header("offset", Array("\(record.position.offset)".utf8)))
        let key = Array(thing.text.utf8)
        if let old = record.key, old != key { headers.append(header("key", old)) }
        try effects.emit(to: topic, key: key, value: record.bytes, headers: headers)
    }

    private func thing(of record: InputRecord) throws(RecordFault) -> ThingID {
        guard let bytes = record.bytes else {
            // A tombstone says nothing but its key.
            guard let key = record.key, let thing = try? ThingID(validating: String(decoding: key, as: UTF8.self))
            else {
                throw RecordFault(code: "thing-id", message: "a tombstone whose key is no thing id: namespace:name")
            }
            return thing
        }
        var value: JSONValue
        do throws(JSONError) { value = try parser.parse(bytes) } catch {
            throw RecordFault(code: "json", message: error.message)
        }
        for segment in pointer.segments {
            guard let next = value.object?[segment] else {
                throw RecordFault(code: "thing-id", message: "the value has no \(pointer.text)")
            }
            value = next
        }
        guard let text = value.string else {
            throw RecordFault(code: "thing-id", message: "\(pointer.text) is no string; it is namespace:name")
        }
        do throws(ThingIDError) { return try ThingID(validating: Self.id(text)) } catch {
            throw RecordFault(code: "thing-id", message: "\(pointer.text): \(error.message)")
        }
    }

    /// `namespace/name/things/…` is how Ditto names a thing; an id has no slash.
    private static func id(_ text: String) -> String {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return text }
        return String(Substring(parts[0])) + ":" + String(Substring(parts[1]))
    }
}
