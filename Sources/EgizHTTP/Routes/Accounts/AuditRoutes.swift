import EgizPostgres
import EgizTwin
import Hummingbird

/// `GET /api/v1/audit`: who did what, the newest first.
struct AuditRoutes: Sendable {
    let pool: PostgresPool

    private static let parameters = ["actor", "action", "object", "project", "since", "until", "limit", "cursor"]

    var routes: [APIRoute] {
        [APIRoute("/api/v1/audit", access: .admin, parameters: Self.parameters, handler: list)]
    }

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        var filter = AuditQueries.Filter(
            actor: reader.storableText("actor"), action: reader.storableText("action"),
            object: reader.storableText("object"), since: reader.time("since"), until: reader.time("until"))
        if let text = reader.filledText("project") {
            filter.project = ProjectID(text)
            if filter.project == nil { reader.refuse("project", "project must be the id of a project, a UUID.") }
        }
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let question = [
            filter.actor, filter.action, filter.object, filter.project?.text, filter.since?.text, filter.until?.text,
        ]
        let cursor = reader.cursor(.audit, question: question)
        try reader.finish()
        let (asked, before) = (filter, cursor.flatMap { Int64($0.place) })
        let page = try await pool.run { try AuditQueries($0).page(asked, before: before, limit: limit) }
        var out = JSONOutput(capacity: 512 * page.entries.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for entry in page.entries { Self.write(entry, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.entries.last {
            out.next(PageCursor(.audit, question: question, place: "\(last.id)").text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private static func write(_ entry: StoredAuditEntry, into out: inout JSONOutput) {
        out.beginObject()
        out.member("auditId", entry.id)
        out.member("at", entry.at.text)
        out.member("actor", entry.actor)
        out.member("actorName", entry.actorName)
        out.member("action", entry.action)
        out.member("object", entry.object)
        out.member("projectId", entry.project?.text)
        json("before", entry.before, into: &out)
        json("after", entry.after, into: &out)
        out.member("remoteAddress", entry.remoteAddress)
        out.member("requestId", entry.requestID)
        out.member("hash", Hexadecimal.text(entry.hash))
        out.endObject()
    }

    private static func json(_ name: String, _ text: [UInt8]?, into out: inout JSONOutput) {
        out.key(name)
        if let text { out.raw(text) } else { out.null() }
    }
}
