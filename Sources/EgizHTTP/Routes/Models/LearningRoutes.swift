import EgizCore
import EgizPostgres
import EgizProcessors
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/ml/models` and `/api/v1/ml/tasks`: what models there are and what they are asked.
///
/// They are the deployment's and the admins', as topologies are, which say where models answer: their settings name types and things of
/// all projects. What a model says of a thing is in the thing's predictions.
struct LearningRoutes: Sendable {
    let pool: PostgresPool

    private static let largest = 256 << 10

    var routes: [APIRoute] { routes(.model, "models", "model") + routes(.task, "tasks", "task") }

    private func routes(_ kind: TaskQueries.Kind, _ list: String, _ name: String) -> [APIRoute] {
        let one = "/api/v1/ml/\(list)/{\(name)}"
        return [
            APIRoute("/api/v1/ml/\(list)", access: .admin, parameters: ["limit", "cursor"]) {
                try await page(kind, $0)
            },
            APIRoute(one, access: .admin) { try await entry(kind, name, $0) },
            APIRoute(one, access: .admin, writing: .json(.put, largest: Self.largest)) {
                try await put(kind, name, $0)
            },
            APIRoute(one, access: .admin, writing: .bodyless(.delete)) { try await delete(kind, name, $0) },
        ]
    }

    // MARK: Reading

    private func page(_ kind: TaskQueries.Kind, _ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["limit", "cursor"])
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let question = [kind == .model ? "models" : "tasks"]
        let cursor = reader.cursor(.tasks, question: question)
        try reader.finish()
        let found = try await pool.run { try TaskQueries($0).page(kind, after: cursor?.place, limit: limit) }
        var out = JSONOutput(capacity: 512 * found.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for entry in found.prefix(limit) { LearningText.write(entry, kind, into: &out) }
        out.endArray()
        if found.count > limit {
            out.next(PageCursor(.tasks, question: question, place: found[limit - 1].name).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func entry(_ kind: TaskQueries.Kind, _ capture: String, _ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request, capture)
        guard let found = try await pool.run({ try TaskQueries($0).entry(kind, name) }) else {
            throw Problem.noSuchEntry(capture, name)
        }
        let tag = EntityTag(revision: found.version)
        if tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        return .json(LearningText.json(found, kind), headers: [.eTag: tag.text])
    }

    static func name(_ request: APIRequest, _ capture: String) throws(Problem) -> String {
        let name = request.captures[capture] ?? ""
        guard RegistryCheck.isName(name) else {
            throw .parameter(capture, "Expected \(RegistryCheck.nameRule).")
        }
        return name
    }

    // MARK: Writing

    private func put(_ kind: TaskQueries.Kind, _ capture: String, _ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request, capture)
        let (settings, enabled, bound) = try Self.content(kind, name, request)
        return try await pool.change(request) { connection in
            let queries = TaskQueries(connection)
            let before = try queries.entry(kind, name, locked: true)
            try request.precondition(current: before.map { EntityTag(revision: $0.version) })
            switch kind {
            case .model: try queries.putModel(name, settings)
            case .task: try queries.putTask(name, settings, enabled: enabled, bound: bound)
            }
            guard let after = try queries.entry(kind, name) else { throw Problem.internalError }
            let body = LearningText.json(after, kind)
            try request.audit(
                "ml-\(capture).\(before == nil ? "create" : "replace")", "ml-\(capture):\(name)",
                before: before.map { LearningText.json($0, kind) }, after: body, on: connection)
            let tag = EntityTag(revision: after.version)
            guard before == nil else { return .json(body, eTag: tag) }
            return .created(body, at: "/api/v1/ml/\(capture)s/\(name)", eTag: tag)
        }.response
    }

    private func delete(_ kind: TaskQueries.Kind, _ capture: String, _ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request, capture)
        return try await pool.change(request) { connection in
            let queries = TaskQueries(connection)
            guard let before = try queries.entry(kind, name, locked: true) else {
                throw Problem.noSuchEntry(capture, name)
            }
            try request.precondition(current: EntityTag(revision: before.version))
            if kind == .model {
                let tasks = try queries.tasks(asking: name)
                if !tasks.isEmpty {
                    throw Problem.inUse("Tasks ask the model \(name): \(tasks.joined(separator: ", ")).")
                }
            }
            try queries.delete(kind, name)
            try request.audit(
                "ml-\(capture).delete", "ml-\(capture):\(name)", before: LearningText.json(before, kind), on: connection
            )
            return .nothing
        }.response
    }

    /// A model says what it likes; a task the words that a topology file has for it, and two flags.
    private static func content(_ kind: TaskQueries.Kind, _ name: String, _ request: APIRequest) throws -> (
        JSONObject, enabled: Bool, bound: Bool
    ) {
        let known = kind == .model ? ["settings"] : ["settings", "enabled", "bound"]
        let content = try request.body(known: known) { body in
            body.require("settings")
            return (
                body.storedObject("settings") ?? JSONObject(), enabled: body.bool("enabled") ?? true,
                bound: body.bool("bound") ?? false
            )
        }
        if kind == .task, let fault = RegistryCheck.task(name, .object(content.0)) {
            throw Problem.unprocessable("invalid-task", "\(fault).")
        }
        return content
    }
}

extension Problem {
    /// `kind`: `model` or `task`, as paths have it.
    static func noSuchEntry(_ kind: String, _ name: String) -> Problem {
        let (title, detail) = ("No such \(kind)", "There is no \(kind) \(name). GET /api/v1/ml/\(kind)s lists them.")
        return kind == "task"
            ? Problem(code: "task-not-found", status: .notFound, title: title, detail: detail)
            : Problem(code: "model-not-found", status: .notFound, title: title, detail: detail)
    }
}
