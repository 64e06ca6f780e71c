import EgizCore
import EgizPostgres
import EgizTwin

/// The state of a twin at a time, rebuilt from its history, as JSON.
enum StateText {
    static func json(_ state: HistoryState, of thing: ThingID, at time: EventTime, fields: FieldSelector?) -> [UInt8] {
        let parser = JSONParser()
        var document = JSONObject()
        document["thingId"] = .string(thing.text)
        for value in state.values {
            // What was deleted then is covered, and not there.
            guard value.sample.kind != .absent, let json = Self.json(value.sample, parser),
                let path = try? JSONPointer(parsing: value.path).segments, !path.isEmpty
            else { continue }
            insert(json, at: path[...], into: &document)
        }
        let selected = fields.map { $0.select(from: .object(document)) } ?? .object(document)
        var out = JSONOutput(capacity: 128 * state.values.count + 256)
        out.beginObject()
        out.member("thingId", thing.text)
        out.member("at", time.text)
        out.key("coverage")
        out.number(state.coverage)
        out.key("document")
        out.raw(selected.text.utf8)
        out.key("paths")
        out.beginArray()
        for value in state.values {
            out.beginObject()
            out.member("path", value.path)
            out.member("time", value.sample.time.text)
            out.member("kind", value.sample.kind.name)
            out.endObject()
        }
        out.endArray()
        out.key("uncovered")
        out.beginArray()
        for path in state.uncovered { out.string(path) }
        out.endArray()
        out.endObject()
        return out.bytes
    }

    /// The last values of a thing, one of each path; `next` is the cursor of those that follow.
    static func latest(_ state: HistoryState, of thing: ThingID, next: String?) -> [UInt8] {
        let parser = JSONParser()
        var out = JSONOutput(capacity: 128 * state.values.count + 64)
        out.beginObject()
        out.member("thingId", thing.text)
        out.key("items")
        out.beginArray()
        for value in state.values {
            out.beginObject()
            out.member("path", value.path)
            out.member("time", value.sample.time.text)
            out.member("kind", value.sample.kind.name)
            out.key("value")
            out.raw((Self.json(value.sample, parser) ?? .null).text.utf8)
            out.endObject()
        }
        out.endArray()
        if let next { out.next(next) }
        out.endObject()
        return out.bytes
    }

    /// The value of a sample; nil where it has none.
    static func json(_ sample: HistorySample, _ parser: JSONParser) -> JSONValue? {
        switch sample.kind {
        case .number:
            if let literal = sample.text { return try? parser.parse(Array(literal.utf8)) }
            guard let number = sample.number, number.isFinite else { return nil }
            // History keeps integers as float8; a whole number is what the device sent.
            return (try? parser.parse(Array(NumberText.text(number).utf8))) ?? .double(number)
        case .boolean: return .bool(sample.number != 0)
        case .text: return .string(sample.text ?? "")
        case .json: return try? parser.parse(Array((sample.text ?? "null").utf8))
        case .null: return .null
        case .absent: return nil
        }
    }

    private static func insert(_ value: JSONValue, at path: ArraySlice<String>, into object: inout JSONObject) {
        guard let name = path.first else { return }
        guard path.count > 1 else {
            // A deeper path may have made an object of it already; that is the later truth of both.
            if case .object? = object[name], case .object = value { return }
            object[name] = value
            return
        }
        var inner = object[name]?.object ?? JSONObject()
        insert(value, at: path.dropFirst(), into: &inner)
        object[name] = .object(inner)
    }
}
