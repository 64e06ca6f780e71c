import EgizCore
import EgizTwin

/// Tells of the projector's changes in a topic: one record for each applied event, with what it wrote and removed, so that whoever
/// holds the document of before has the document of after.
///
/// A removal names the highest part that is gone, never the leaves below it: from leaves alone nobody can tell an object that became
/// empty from one that is gone.
final class TwinPublisher: StatelessProcessor {
    static let spec = TwinProjector.spec
    static let mayRefuse = false

    private let topic: String
    /// `{"path":"…"` of each path, by its id.
    private var heads: [[UInt8]] = []
    private var removed: Set<PathID> = []

    /// Nil where the projector has no `to`.
    static func make(_ definition: ProcessorDefinition) throws(TopologyFaults) -> (any Processor)? {
        let reader = SettingsReader(definition)
        guard reader.has("to") else { return nil }
        return try TwinPublisher(definition)
    }

    init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        topic = try SettingsReader(definition).required("to")
    }

    func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        let isAlive = change.twin?.isAlive ?? true
        let kind = isAlive ? change.isCreated ? "created" : "changed" : "deleted"
        var body = head(change, kind, effects)
        let mark = body.count
        if isAlive { changes(change, into: &body) }
        body.append(contentsOf: "]}".utf8)
        do throws(RecordFault) {
            try effects.emit(to: topic, value: body)
        } catch {
            // A record as large as Kafka takes can say more than one record can tell: readers fetch the thing.
            body.removeSubrange(mark...)
            body.append(contentsOf: #"],"reload":true}"#.utf8)
            try effects.emit(to: topic, value: body)
        }
    }

    /// Up to the `[` of `changes`.
    private func head(_ change: borrowing TwinChange, _ kind: String, _ effects: RecordEffects) -> [UInt8] {
        var object = JSONObject()
        object["thingId"] = .string(change.thing.text)
        object["change"] = .string(kind)
        object["revision"] = .int(change.revision)
        object["time"] = .string(change.time.text)
        if let modified = change.twin?.modified { object["modified"] = .string(modified) }
        if let position = effects.position(topic: change.topic, offset: change.offset) {
            object["cause"] = RuleRecords.cause(position)
        }
        var body: [UInt8] = []
        body.reserveCapacity(256 + 64 * change.leaves.count)
        JSONValue.object(object).write(into: &body)
        body.removeLast()
        body.append(contentsOf: #","changes":["#.utf8)
        return body
    }

    private func changes(_ change: borrowing TwinChange, into body: inout [UInt8]) {
        if !removed.isEmpty { removed.removeAll(keepingCapacity: true) }
        // What is gone comes first: what is written may stand in its place, or around it.
        for leaf in change.leaves where leaf.changed && leaf.value == .absent { remove(leaf.path, change, &body) }
        for path in change.empties where change.twin?.value(at: change.paths.segments(of: path)) == nil {
            remove(path, change, &body)
        }
        for path in change.empties {
            guard case .object(let object) = change.twin?.value(at: change.paths.segments(of: path)), object.isEmpty
            else {
                continue
            }
            begin(path, change.paths, &body)
            body.append(contentsOf: #","value":{}}"#.utf8)
        }
        for leaf in change.leaves where leaf.changed && leaf.value != .absent {
            begin(leaf.path, change.paths, &body)
            body.append(contentsOf: #","value":"#.utf8)
            Self.write(leaf.value, into: &body)
            body.append(UInt8(ascii: "}"))
        }
    }

    /// The highest part of the path that is gone; the path itself where something else stands there now.
    private func remove(_ path: PathID, _ change: borrowing TwinChange, _ body: inout [UInt8]) {
        let segments = change.paths.segments(of: path)
        let depth = change.twin?.missingDepth(of: segments) ?? segments.count
        let gone = depth == segments.count ? path : change.paths.id(of: Array(segments.prefix(depth)))
        guard removed.insert(gone).inserted else { return }
        begin(gone, change.paths, &body)
        body.append(contentsOf: #","removed":true}"#.utf8)
    }

    /// An element of `changes`, up to its path.
    private func begin(_ path: PathID, _ paths: PathTable, _ body: inout [UInt8]) {
        if body.last != UInt8(ascii: "[") { body.append(UInt8(ascii: ",")) }
        body.append(contentsOf: head(of: path, paths))
    }

    private func head(of path: PathID, _ paths: PathTable) -> [UInt8] {
        let index = Int(path.raw)
        if index >= heads.count { heads.append(contentsOf: repeatElement([], count: index + 64 - heads.count)) }
        if heads[index].isEmpty {
            var bytes = Array(#"{"path":"#.utf8)
            JSONValue.string(paths.text(of: path)).write(into: &bytes)
            heads[index] = bytes
        }
        return heads[index]
    }

    private static func write(_ value: LeafValue, into body: inout [UInt8]) {
        switch value {
        case .number(let number): JSONValue.double(number).write(into: &body)
        case .integer(let integer): JSONValue.int(integer).write(into: &body)
        case .boolean(let flag): JSONValue.bool(flag).write(into: &body)
        case .text(let text): JSONValue.string(text).write(into: &body)
        case .json(let text): body.append(contentsOf: text.utf8)
        case .null, .absent: JSONValue.null.write(into: &body)
        }
    }
}
