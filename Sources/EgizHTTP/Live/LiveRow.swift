import EgizCore
import EgizPostgres
import EgizTwin

/// One item of a snapshot, in the words of the records that change it later.
struct LiveRow: Sendable {
    var key: LiveSession.FloorKey
    var floor: LiveSession.Floor
    /// As in a frame.
    var json: [UInt8]

    /// The rows of a page: all of a thing one after the other.
    static func rows(_ page: LiveQueries.Page, _ patterns: [PathPattern], twins: Bool) throws -> [LiveRow] {
        var rows: [LiveRow] = []
        if twins { for twin in page.twins { if let row = try row(twin, patterns) { rows.append(row) } } }
        rows += page.scenes.map { row($0.thing, $0.property) }
        rows += page.alerts.map(row)
        rows += page.predictions.map { row($0.thing, $0.prediction) }
        return rows
    }

    private static func row(_ twin: LiveQueries.Twin, _ patterns: [PathPattern]) throws -> LiveRow? {
        guard var document = twin.document else { return nil }
        if !patterns.isEmpty {
            let selected = LivePathFilter.select(patterns, from: try JSONParser().parse(document))
            document.removeAll(keepingCapacity: true)
            selected.write(into: &document)
        }
        return item(.twin, twin.thing, LiveItem.key(), twin.position, twin.revision) { $0.raw(document) }
    }

    private static func row(_ thing: String, _ property: StoredProperty) -> LiveRow {
        item(.binding, thing, LiveItem.key(property.object, property.target), property.cause, property.revision) {
            out in
            out.beginObject()
            out.member("thingId", thing)
            out.member("objectName", property.object)
            out.member("target", property.target)
            out.key("value")
            out.raw(property.value)
            out.member("revision", property.revision)
            out.member("time", property.time.text)
            position("cause", property.cause, &out)
            out.endObject()
        }
    }

    private static func row(_ alert: StoredAlert) -> LiveRow {
        item(.alert, alert.thing, LiveItem.key(alert.key, alert.raisedAt.text), alert.cause, alert.revision) { out in
            out.beginObject()
            // An open alert was raised or acknowledged: what happened last has the name of its state.
            out.member("event", alert.state)
            out.member("thingId", alert.thing)
            out.member("key", alert.key)
            out.member("rule", alert.rule)
            out.member("severity", alert.severity)
            out.member("state", alert.state)
            out.member("message", alert.message)
            out.member("raisedAt", alert.raisedAt.text)
            out.member("time", alert.updatedAt.text)
            out.member("revision", alert.revision)
            if let person = alert.acknowledgedBy { out.member("by", person) }
            position("cause", alert.cause, &out)
            out.endObject()
        }
    }

    private static func row(_ thing: String, _ row: StoredPrediction) -> LiveRow {
        let key = LiveItem.key(row.task, row.model, "\(row.isShadow)")
        return item(.prediction, thing, key, row.output, row.revision) { out in
            out.beginObject()
            out.member("thingId", thing)
            out.member("task", row.task)
            out.member("model", row.model)
            out.member("modelVersion", row.version)
            out.key("shadow")
            out.bool(row.isShadow)
            if let error = row.error {
                out.key("error")
                out.raw(error)
            } else {
                out.key("prediction")
                out.beginObject()
                out.key("score")
                if let score = row.score { out.raw(JSONValue.double(score).text.utf8) } else { out.null() }
                out.member("label", row.label)
                out.key("details")
                if let details = row.details { out.raw(details) } else { out.null() }
                out.endObject()
            }
            position("input", row.input, &out)
            out.key("latencyMs")
            out.raw(JSONValue.double(row.latency).text.utf8)
            out.endObject()
        }
    }

    private static func item(
        _ kind: LiveKind, _ thing: String, _ key: ByteText, _ cause: InputPosition?, _ revision: Int64,
        value: (inout JSONOutput) -> Void
    ) -> LiveRow {
        var out = JSONOutput(capacity: 512)
        out.beginObject()
        out.member("kind", kind.rawValue)
        out.member("thingId", thing)
        position("cause", cause, &out)
        out.key("value")
        value(&out)
        out.endObject()
        return LiveRow(
            key: .init(thing: ByteText(thing), kind: kind, key: key), floor: .init(position: cause, revision: revision),
            json: out.bytes)
    }

    private static func position(_ name: String, _ position: InputPosition?, _ out: inout JSONOutput) {
        guard let position else { return }
        out.key(name)
        out.beginObject()
        out.member("topic", position.topic)
        out.member("partition", position.partition)
        out.member("offset", position.offset)
        out.endObject()
    }
}
