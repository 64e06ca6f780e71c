import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/models`: 3D models in glTF 2.0, with the nodes that bindings name.
///
/// A model belongs to a project. One without a project is for everybody to read, and the admins' to change.
struct ModelRoutes: Sendable {
    let pool: PostgresPool

    /// Bytes of a file at most.
    static let largest = 32 << 20

    /// Models of a project at most, and bytes of all of them.
    static let mostModels: Int64 = 1000
    static let mostBytes: Int64 = 2 << 30

    private static let list = "/api/v1/models"
    private static let one = "/api/v1/models/{modelId}"
    private static let file = "/api/v1/models/{modelId}/content"
    private static let accepted = [
        ModelDocument.Form.binary.rawValue, ModelDocument.Form.json.rawValue, "application/octet-stream",
    ]

    var routes: [APIRoute] {
        [
            APIRoute(
                Self.list, access: .filtered(.viewer), parameters: ["project", "limit", "cursor"], handler: models),
            APIRoute(
                Self.list, access: .filtered(.editor), parameters: ["name", "project"],
                writing: .init(method: .post, accepts: Self.accepted, largest: Self.largest),
                beforeBody: { _ = try Self.place($0) }, handler: create),
            APIRoute(Self.one, access: .filtered(.viewer), handler: model),
            APIRoute(Self.one, access: .filtered(.editor), writing: .json(.patch, largest: 16 << 10), handler: change),
            APIRoute(Self.one, access: .filtered(.editor), writing: .bodyless(.delete), handler: delete),
            APIRoute(Self.file, access: .filtered(.viewer), handler: content),
            APIRoute(
                Self.file, access: .filtered(.editor),
                writing: .init(method: .put, accepts: Self.accepted, largest: Self.largest), beforeBody: mayReplace,
                handler: replace),
            APIRoute(
                "/api/v1/models/{modelId}/nodes", access: .filtered(.viewer), parameters: ["limit", "cursor"],
                handler: nodes),
        ]
    }

    // MARK: Reading

    private func models(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["project", "limit", "cursor"])
        let project = reader.project("project")
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let cursor = reader.cursor(.models, question: [project?.text])
        try reader.finish()
        let after = cursor.flatMap { UUIDText($0.place) }
        let found = try await pool.run {
            try ModelQueries($0).page(request.scope, project: project, after: after, limit: limit)
        }
        var out = JSONOutput(capacity: 384 * found.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for model in found.prefix(limit) { ModelText.write(model, into: &out) }
        out.endArray()
        if found.count > limit {
            out.next(PageCursor(.models, question: [project?.text], place: found[limit - 1].id.text).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func model(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try Self.id(request)
        let model = try await pool.run { try Self.readable(id, request, $0) }
        let tag = EntityTag(revision: model.version)
        if tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        return .json(ModelText.json(model), headers: [.eTag: tag.text])
    }

    private func nodes(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["limit", "cursor"])
        let limit = reader.integer("limit", in: 1...1000, default: 1000)
        let id = try Self.id(request)
        let cursor = reader.cursor(.nodes, question: [id.text])
        try reader.finish()
        let start = cursor.flatMap { Int($0.place) }.map { min(max(0, $0), 1 << 31) } ?? 0
        let found = try await pool.run { connection in
            _ = try Self.readable(id, request, connection)
            return try ModelQueries(connection).nodes(id, from: start, limit: limit)
        }
        guard let found else { throw Problem.noSuchModel(id.text) }
        var out = JSONOutput(capacity: found.json.count + 96)
        out.beginObject()
        out.member("modelId", id.text)
        out.key("items")
        out.raw(found.json)
        if found.hasMore { out.next(PageCursor(.nodes, question: [id.text], place: "\(start + limit)").text) }
        out.endObject()
        return .json(out.bytes)
    }

    private func content(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try Self.id(request)
        let known = request.headers[values: .ifNoneMatch]
        let (model, file) = try await pool.run { connection -> (StoredModel, [UInt8]?) in
            // One snapshot: the file is that of the tag.
            try connection.execute("begin isolation level repeatable read, read only")
            let model = try Self.readable(id, request, connection)
            if EntityTag(revision: model.version).matches(known) { return (model, nil) }
            return (model, try ModelQueries(connection).content(id))
        }
        guard let file else {
            return Response(status: .notModified, headers: [.eTag: EntityTag(revision: model.version).text])
        }
        return .content(
            file, type: model.mediaType, headers: [.eTag: EntityTag(revision: model.version).text])
    }

    private static func id(_ request: APIRequest) throws(Problem) -> UUIDText {
        let text = request.captures["modelId"] ?? ""
        guard let id = UUIDText(text) else { throw .noSuchModel(text) }
        return id
    }

    private static func readable(
        _ id: UUIDText, _ request: APIRequest, _ connection: PostgresConnection
    ) throws -> StoredModel {
        guard let model = try ModelQueries(connection).model(id) else { throw Problem.noSuchModel(id.text) }
        if model.project != nil { try request.require(.viewer, in: model.project, missing: .noSuchModel(id.text)) }
        return model
    }

    /// The model, locked for a change that the caller may make; what everybody reads and only admins change is no secret.
    private static func changeable(
        _ id: UUIDText, _ request: APIRequest, _ connection: PostgresConnection, locked: Bool = true
    ) throws -> StoredModel {
        guard let model = try ModelQueries(connection).model(id, locked: locked) else {
            throw Problem.noSuchModel(id.text)
        }
        if model.project == nil, request.principal?.isAdmin != true { throw Problem.adminOnly }
        try request.require(.editor, in: model.project, missing: .noSuchModel(id.text))
        return model
    }

    // MARK: Writing

    /// Name and project of a new model, where the caller may put one there.
    private static func place(_ request: APIRequest) throws(Problem) -> (name: String, project: ProjectID?) {
        var reader = request.reader(known: ["name", "project"])
        let name = reader.storableText("name")
        let project = reader.project("project")
        if name == nil { reader.refuse("name", "name is needed: what people call the model.") }
        if let name, name.utf8.count > 256 { reader.refuse("name", "name has more than 256 bytes.") }
        try reader.finish()
        if project == nil, request.principal?.isAdmin != true {
            throw .parameter("project", "project is needed: the id of the project that the model is for.")
        }
        if let project { try request.require(.editor, in: project, missing: .noSuchProject(project.text)) }
        return (name ?? "", project)
    }

    private func mayReplace(_ request: APIRequest) async throws {
        try request.reader(known: []).finish()
        let id = try Self.id(request)
        _ = try await pool.run { try Self.changeable(id, request, $0, locked: false) }
    }

    private func create(_ request: APIRequest) async throws -> Response {
        let (name, project) = try Self.place(request)
        let document = try Self.document(request.body)
        return try await pool.change(request) { connection in
            if let project, try !ProjectLookup.exists(project, connection) {
                throw Problem.noSuchProject(project.text)
            }
            let queries = ModelQueries(connection)
            let usage = try queries.usage(of: project)
            guard usage.models < Self.mostModels, usage.bytes + Int64(request.body.count) <= Self.mostBytes else {
                throw Problem.tooManyModels
            }
            guard let id = try queries.create(project: project, name: name, document, file: request.body),
                let made = try queries.model(id)
            else { throw Problem.internalError }
            let body = ModelText.json(made)
            try request.audit("model.create", "model:\(id.text)", project: project, after: body, on: connection)
            return .created(body, at: "/api/v1/models/\(id.text)", eTag: EntityTag(revision: made.version))
        }.response
    }

    private func replace(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try Self.id(request)
        let document = try Self.document(request.body)
        return try await change(id, "model.replace", request, counts: true) { queries, before in
            let used = try queries.usage(of: before.project).bytes - before.bytes
            guard used + Int64(request.body.count) <= Self.mostBytes else { throw Problem.tooManyModels }
            try queries.replace(id, document, file: request.body)
        }
    }

    private func change(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try Self.id(request)
        let (name, transform) = try request.body(known: ["name", "transform"]) { body in
            (body.text("name", length: 1...256), ModelTransform.read("transform", &body))
        }
        return try await change(id, "model.change", request) { queries, _ in
            try queries.change(id, name: name, transform: transform)
        }
    }

    /// A model has one tag, for its file too: whatever changes raises its version.
    ///
    /// - Parameter counts: `write` asks how much the project has.
    private func change(
        _ id: UUIDText, _ action: String, _ request: APIRequest, counts: Bool = false,
        _ write: @escaping @Sendable (_ queries: ModelQueries, _ before: StoredModel) throws -> Void
    ) async throws -> Response {
        try await pool.change(request) { connection in
            let queries = ModelQueries(connection)
            if counts { try queries.lockUsage() }
            let before = try Self.changeable(id, request, connection)
            try request.precondition(current: EntityTag(revision: before.version))
            try write(queries, before)
            let after = try queries.model(id) ?? before
            let body = ModelText.json(after)
            try request.audit(
                action, "model:\(id.text)", project: before.project, before: ModelText.json(before), after: body,
                on: connection)
            return .json(body, eTag: EntityTag(revision: after.version))
        }.response
    }

    private func delete(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let id = try Self.id(request)
        return try await pool.change(request) { connection in
            let before = try Self.changeable(id, request, connection)
            try request.precondition(current: EntityTag(revision: before.version))
            try ModelQueries(connection).delete(id)
            try request.audit(
                "model.delete", "model:\(id.text)", project: before.project, before: ModelText.json(before),
                on: connection)
            return .nothing
        }.response
    }

    private static func document(_ file: [UInt8]) throws(Problem) -> ModelDocument {
        do throws(ModelDocument.Fault) {
            return try ModelDocument(parsing: file)
        } catch {
            throw .unprocessable("invalid-model", "The file is no usable model: \(error.message).")
        }
    }
}

extension Problem {
    static let tooManyModels = Problem(
        code: "too-many-models", status: .conflict, title: "The project has no room for more models",
        detail: """
            A project has at most \(ModelRoutes.mostModels) models, with \(ModelRoutes.mostBytes >> 20) MiB together; delete some \
            first.
            """)

    static func noSuchModel(_ id: String) -> Problem {
        Problem(
            code: "model-not-found", status: .notFound, title: "No such model",
            detail: "There is no model \(id.prefix(64)). GET /api/v1/models lists those that you may see.")
    }
}
