import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation

/// Dead letters and redrives as JSON.
enum DeadLetterText {
    static func write(_ letter: DeadLetterRow, into out: inout JSONOutput) {
        out.beginObject()
        members(letter, into: &out)
        out.endObject()
    }

    private static func members(_ letter: DeadLetterRow, into out: inout JSONOutput) {
        out.member("id", letter.id)
        out.member("stage", letter.stage.text)
        out.member("topic", letter.topic)
        out.member("partition", letter.partition)
        out.member("offset", letter.offset)
        out.member("incarnation", letter.incarnation)
        out.member("recordTime", letter.recordTime.text)
        out.member("notedAt", letter.notedAt.text)
        out.member("thingId", letter.thing?.text)
        out.member("processor", letter.processor)
        out.member("code", letter.code)
        out.member("message", letter.message)
        out.member("disposition", letter.disposition.rawValue)
        out.key("isFirst")
        out.bool(letter.isFirst)
        out.member("attempts", letter.attempts)
        out.member("retryAt", letter.retryAt?.text)
        out.member("editedAt", letter.editedAt?.text)
        out.member("editedBy", letter.editedBy)
        out.member("valueBytes", letter.valueBytes)
    }

    static func json(_ letter: WholeDeadLetter) -> [UInt8] {
        var out = JSONOutput(capacity: 1024 + 2 * (letter.original?.count ?? 0))
        out.beginObject()
        members(letter.row, into: &out)
        bytes("key", letter.key, into: &out)
        bytes("value", letter.original, into: &out)
        if letter.row.editedAt != nil { bytes("editedValue", letter.edited, into: &out) }
        out.key("headers")
        out.beginArray()
        for header in letter.headers {
            out.beginObject()
            out.member("name", header.name)
            bytes("value", header.value, into: &out)
            out.endObject()
        }
        out.endArray()
        out.endObject()
        return out.bytes
    }

    /// `{"utf8": "…"}`, or `{"base64": "…"}` where the bytes are no UTF-8; null where there are none.
    private static func bytes(_ name: String, _ bytes: [UInt8]?, into out: inout JSONOutput) {
        out.key(name)
        guard let bytes else { return out.null() }
        out.beginObject()
        if let text = String(validating: bytes, as: UTF8.self) {
            out.member("utf8", text)
        } else {
            out.member("base64", Data(bytes).base64EncodedString())
        }
        out.endObject()
    }

    static func write(_ thing: ParkedThing, into out: inout JSONOutput) {
        out.beginObject()
        out.member("thingId", thing.thing)
        out.member("stage", thing.stage.text)
        out.member("partition", thing.partition)
        out.member("waiting", thing.waiting)
        out.member("since", thing.since.text)
        out.member("first", thing.first)
        out.member("code", thing.code)
        out.member("message", thing.message)
        out.endObject()
    }

    static func write(_ line: RedriveDryRun.Line, into out: inout JSONOutput) {
        out.beginObject()
        out.member("id", line.letter.id)
        switch line.outcome {
        case .processed(let effect):
            out.member("outcome", "processed")
            out.member("thingId", effect.thing?.text)
            out.member("samples", effect.samples)
            out.member("emitted", effect.emitted)
            out.member("revisionBefore", effect.revisionBefore)
            out.member("revisionAfter", effect.revisionAfter)
        case .ignored(let reason):
            out.member("outcome", "ignored")
            out.member("reason", reason)
        case .fails(let code, let message):
            out.member("outcome", "fails")
            out.member("code", code)
            out.member("message", message)
        case .waits: out.member("outcome", "waits")
        }
        out.endObject()
    }

    static func write(_ request: RedriveProgress, into out: inout JSONOutput) {
        out.beginObject()
        out.member("id", request.id)
        out.member("stage", request.task.stage.text)
        out.member("partition", request.task.partition)
        out.member("action", request.action.rawValue)
        out.member("state", request.isDone ? "done" : "open")
        out.member("resolved", request.resolved)
        out.member("failed", request.failed)
        out.member("requestedAt", request.requestedAt.text)
        out.member("requestedBy", request.requestedBy)
        out.member("finishedAt", request.finishedAt?.text)
        switch request.owner {
        case .worker(let host): out.member("owner", host)
        case .nobody, .paused: out.member("owner", String?.none)
        }
        out.key("topologyRuns")
        out.bool(request.owner != .paused)
        out.endObject()
    }
}
