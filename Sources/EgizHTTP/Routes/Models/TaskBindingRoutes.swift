import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/ml/tasks/{task}/bindings`: whom a task that is `bound` is for.
struct TaskBindingRoutes: Sendable {
    let pool: PostgresPool

    private static let list = "/api/v1/ml/tasks/{task}/bindings"

    var routes: [APIRoute] {
        [
            APIRoute(Self.list, access: .admin, parameters: ["limit", "cursor"], handler: members),
            APIRoute(Self.list, access: .admin, writing: .json(.post, largest: 16 << 10), handler: bind),
            APIRoute(
                "/api/v1/ml/tasks/{task}/bindings/{bindingId}", access: .admin, writing: .bodyless(.delete),
                handler: unbind),
        ]
    }

    private func members(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["limit", "cursor"])
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let task = try LearningRoutes.name(request, "task")
        let cursor = reader.cursor(.tasks, question: ["bindings", task])
        try reader.finish()
        let after = cursor.flatMap { Int64($0.place) } ?? 0
        let found = try await pool.run { connection in
            let queries = TaskQueries(connection)
            guard try queries.entry(.task, task) != nil else { throw Problem.noSuchEntry("task", task) }
            return try queries.members(of: task, after: after, limit: limit)
        }
        var out = JSONOutput(capacity: 128 * found.count + 64)
        out.beginObject()
        out.member("task", task)
        out.key("items")
        out.beginArray()
        for member in found.prefix(limit) { LearningText.write(member, into: &out) }
        out.endArray()
        if found.count > limit {
            out.next(PageCursor(.tasks, question: ["bindings", task], place: "\(found[limit - 1].id)").text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func bind(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let task = try LearningRoutes.name(request, "task")
        let (type, thing) = try request.body(known: ["type", "thingId"]) { body -> (String?, ThingID?) in
            let type = body.text("type", length: 1...256)
            let thing = body.thing("thingId")
            if body.faults.isEmpty, (type == nil) == (thing == nil) {
                body.refuse("type", "Say a type or a thingId, and only one of them.")
            }
            return (type, thing)
        }
        return try await pool.change(request) { connection in
            let queries = TaskQueries(connection)
            guard try queries.entry(.task, task) != nil else { throw Problem.noSuchEntry("task", task) }
            let (member, isNew) = try queries.bind(task, type: type, thing: thing)
            guard let member else { throw Problem.internalError }
            var out = JSONOutput()
            LearningText.write(member, into: &out)
            guard isNew else { return .json(out.bytes) }
            try request.audit("ml-task.bind", "ml-task:\(task)", after: out.bytes, on: connection)
            return .created(out.bytes, at: "/api/v1/ml/tasks/\(task)/bindings/\(member.id)")
        }.response
    }

    private func unbind(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let task = try LearningRoutes.name(request, "task")
        let id = try request.number("bindingId")
        return try await pool.change(request) { connection in
            guard let gone = try TaskQueries(connection).unbind(id, from: task) else {
                throw Problem.noSuchTaskBinding(id, task)
            }
            var out = JSONOutput()
            LearningText.write(gone, into: &out)
            try request.audit("ml-task.unbind", "ml-task:\(task)", before: out.bytes, on: connection)
            return .nothing
        }.response
    }
}

extension Problem {
    static func noSuchTaskBinding(_ id: Int64, _ task: String) -> Problem {
        Problem(
            code: "task-binding-not-found", status: .notFound, title: "No such binding",
            detail: "The task \(task) has no binding \(id).")
    }
}
