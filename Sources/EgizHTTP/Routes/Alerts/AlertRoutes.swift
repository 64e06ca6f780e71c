import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/alerts`: those of all things that the caller may see; acknowledge, clear, assign.
///
/// Only the task that owns a thing writes its alerts: what people ask is a message in its inbox, consumed with its next epoch.
struct AlertRoutes: Sendable {
    let pool: PostgresPool

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/alerts", access: .filtered(.viewer), parameters: Self.parameters, handler: list),
            APIRoute("/api/v1/alerts/{alertId}", access: .filtered(.viewer), handler: alert),
            APIRoute("/api/v1/alerts/{alertId}/acknowledge", access: .filtered(.editor), writing: Self.writing) {
                try await ask("acknowledge", $0)
            },
            APIRoute("/api/v1/alerts/{alertId}/clear", access: .filtered(.editor), writing: Self.writing) {
                try await ask("clear", $0)
            },
            APIRoute(
                "/api/v1/alerts/{alertId}/assign", access: .filtered(.editor), writing: Self.writing, handler: assign),
        ]
    }

    private static let parameters = ["thing", "namespace", "open", "severity", "assignee", "limit", "cursor"]
    private static let writing = APIRoute.Writing.json(.post, largest: 16 << 10)

    // MARK: Reading

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        var filter = AlertQueries.Filter(
            thing: reader.thing("thing"), isOpen: reader.flag("open"), severity: AlertText.severity(&reader))
        filter.namespace = reader.storableText("namespace")
        filter.assignee = reader.storableText("assignee")
        filter.scope = request.scope
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let question = [
            filter.thing?.text, filter.namespace, "\(filter.isOpen)", filter.severity?.name, filter.assignee,
        ]
        let cursor = reader.cursor(.allAlerts, question: question)
        try reader.finish()
        let asked = filter
        let before = cursor.flatMap { Int64($0.place) }
        let page = try await pool.readAlerts { try $0.page(asked, before: before, limit: limit) }
        var out = JSONOutput(capacity: 384 * page.alerts.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for alert in page.alerts { AlertText.write(alert, into: &out) }
        out.endArray()
        if page.hasMore, let last = page.alerts.last {
            out.next(PageCursor(.allAlerts, question: question, place: "\(last.id)").text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func alert(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.number("alertId")
        let body = try await pool.run { connection in
            let alert = try Self.alert(id, .viewer, request, connection)
            return AlertText.json(alert, notes: try AlertQueries(connection).notes(id))
        }
        let tag = EntityTag(of: body)
        if tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        return .json(body, headers: [.eTag: tag.text])
    }

    /// The alert, where the caller has the role in the project of its thing.
    private static func alert(
        _ id: Int64, _ role: Role, _ request: APIRequest, _ connection: PostgresConnection
    ) throws -> StoredAlert {
        guard let alert = try AlertQueries(connection).alert(id) else { throw Problem.noSuchAlert(id) }
        let project = try ProjectLookup.project(of: alert.thing, connection)
        try request.require(role, in: project, missing: .noSuchAlert(id))
        return alert
    }

    // MARK: Asking

    /// The alert that an editor wants to change, as the request has seen it: what its rules did meanwhile, and what people wrote.
    ///
    /// The lock puts people in order. The owner of the task is not held up: what is asked of it is a message for the alert that
    /// was there when it was written, and it is the one who knows whether that is there still.
    private static func changeable(
        _ id: Int64, _ request: APIRequest, _ connection: PostgresConnection
    ) throws -> StoredAlert {
        let queries = AlertQueries(connection)
        try queries.lock(id)
        let alert = try alert(id, .editor, request, connection)
        try request.precondition(current: EntityTag(of: AlertText.json(alert, notes: try queries.notes(id))))
        return alert
    }

    private func ask(_ action: String, _ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.number("alertId")
        let note = try request.body(known: ["note"]) { $0.text("note", length: 1...4096) }
        return try await pool.change(request) { connection in
            let alert = try Self.changeable(id, request, connection)
            let queries = AlertQueries(connection)
            let person = request.principal?.name
            guard try queries.ask(action, of: id, by: person) else { throw Problem.alertIsCleared(id) }
            if let note { _ = try queries.note(id, text: note, assignee: nil, by: person) }
            var out = JSONOutput()
            out.beginObject()
            out.member("id", id)
            out.member("action", action)
            out.member("note", note)
            out.endObject()
            var was = JSONOutput()
            was.beginObject()
            was.member("state", alert.state)
            was.endObject()
            try request.audit(
                "alert.\(action)", "alert:\(id)", project: try ProjectLookup.project(of: alert.thing, connection),
                before: was.bytes, after: out.bytes, on: connection)
            return .json(out.bytes, status: .accepted)
        }.response
    }

    private func assign(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try request.number("alertId")
        let (assignee, note) = try request.body(known: ["assignee", "note"]) { body -> (String?, String?) in
            let assignee = body.isNull("assignee") ? "" : body.text("assignee", length: 1...256)
            let note = body.text("note", length: 1...4096)
            if assignee == nil, note == nil {
                body.refuse("assignee", "Say to whom it is given (null: to nobody any more), or write a note.")
            }
            return (assignee, note)
        }
        return try await pool.change(request) { connection in
            let before = try Self.changeable(id, request, connection)
            let queries = AlertQueries(connection)
            _ = try queries.note(id, text: note, assignee: assignee, by: request.principal?.name)
            let after = try queries.alert(id) ?? before
            let text = AlertText.json(after, notes: try queries.notes(id))
            var was = JSONOutput()
            was.beginObject()
            was.member("assignee", before.assignee)
            was.endObject()
            var now = JSONOutput()
            now.beginObject()
            now.member("assignee", after.assignee)
            now.member("note", note)
            now.endObject()
            try request.audit(
                "alert.assign", "alert:\(id)", project: try ProjectLookup.project(of: before.thing, connection),
                before: was.bytes, after: now.bytes, on: connection)
            return .json(text, eTag: EntityTag(of: text))
        }.response
    }
}

extension Problem {
    static func noSuchAlert(_ id: Int64) -> Problem {
        Problem(
            code: "alert-not-found", status: .notFound, title: "No such alert",
            detail: "There is no alert \(id). GET /api/v1/alerts lists those that you may see.")
    }

    static func alertIsCleared(_ id: Int64) -> Problem {
        Problem(
            code: "alert-cleared", status: .conflict, title: "The alert is over",
            detail: "Alert \(id) is cleared; there is nothing to acknowledge or clear any more.")
    }
}
