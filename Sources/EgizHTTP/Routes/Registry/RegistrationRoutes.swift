import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `POST /api/v1/twins` and `/api/v1/twins/{thingId}/registration`: what people say of a twin, before and beside what its device says.
struct RegistrationRoutes: Sendable {
    let pool: PostgresPool

    private static let one = "/api/v1/twins/{thingId}/registration"
    private static let largest = 512 << 10
    private static let patch = APIRoute.Writing(
        method: .patch, accepts: ["application/merge-patch+json", "application/json"], largest: largest)

    var routes: [APIRoute] {
        [
            APIRoute(
                "/api/v1/twins", access: .filtered(.editor), writing: .json(.post, largest: Self.largest),
                handler: create),
            APIRoute(Self.one, access: .thing(.viewer), handler: registration),
            APIRoute(Self.one, access: .thing(.editor), writing: .json(.put, largest: Self.largest), handler: replace),
            APIRoute(Self.one, access: .thing(.editor), writing: Self.patch, handler: change),
            APIRoute(Self.one, access: .thing(.editor), writing: .bodyless(.delete), handler: delete),
        ]
    }

    /// What a registration says.
    private struct Content {
        var type: String?
        var model: UUIDText?
        var metadata = JSONObject()
    }

    private func registration(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        guard let found = try await pool.run({ try RegistrationQueries($0).registration(thing) }) else {
            throw Problem.notRegistered(thing)
        }
        let tag = EntityTag(revision: found.version)
        if tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        return .json(RegistrationText.json(found), headers: [.eTag: tag.text])
    }

    // MARK: Writing

    private func create(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (thing, content) = try request.body(known: ["thingId", "type", "modelId", "metadata"]) { body in
            body.require("thingId")
            return (body.thing("thingId"), Self.content(&body))
        }
        guard let thing else { throw Problem.internalError }
        return try await pool.change(request) { connection in
            let project = try ProjectLookup.project(of: thing.text, connection)
            try request.require(.editor, in: project, missing: .namespaceOfOthers(thing))
            try Self.check(content, project, request, connection)
            let queries = RegistrationQueries(connection)
            guard
                try queries.create(
                    thing, type: content.type, model: content.model, metadata: content.metadata)
            else { throw Problem.isRegistered(thing) }
            guard let made = try queries.registration(thing) else { throw Problem.internalError }
            let body = RegistrationText.json(made)
            try request.audit("twin.register", "thing:\(thing.text)", project: project, after: body, on: connection)
            return .created(
                body, at: "/api/v1/twins/\(PercentText.encode(thing.text))/registration",
                eTag: EntityTag(revision: made.version))
        }.response
    }

    private func replace(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        let content = try request.body(known: ["type", "modelId", "metadata"]) { Self.content(&$0) }
        return try await pool.change(request) { connection in
            let queries = RegistrationQueries(connection)
            let before = try queries.registration(thing, locked: true)
            try request.precondition(current: before.map { EntityTag(revision: $0.version) })
            try Self.check(content, request.project, request, connection)
            if before == nil {
                // Between the look and this somebody may have registered it.
                guard
                    try queries.create(
                        thing, type: content.type, model: content.model, metadata: content.metadata)
                else { throw Problem.isRegistered(thing) }
            } else {
                try queries.replace(thing, type: content.type, model: content.model, metadata: content.metadata)
            }
            return try Self.answer(thing, before, "twin.register", request, connection)
        }.response
    }

    /// A merge patch (RFC 7396): null removes, what is not named stays.
    private func change(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        let (removed, content) = try request.body(known: ["type", "modelId", "metadata"]) { body in
            (["type", "modelId", "metadata"].filter { body.isNull($0) }, Self.content(&body))
        }
        let named = Set(try RegistryBody.object(request).map { $0.key })
        return try await pool.change(request) { connection in
            let queries = RegistrationQueries(connection)
            guard let before = try queries.registration(thing, locked: true) else { throw Problem.notRegistered(thing) }
            try request.precondition(current: EntityTag(revision: before.version))
            var next = Content(type: before.type, model: before.model, metadata: before.metadata)
            if named.contains("type") { next.type = content.type }
            if named.contains("modelId") { next.model = content.model }
            if removed.contains("metadata") {
                next.metadata = JSONObject()
            } else if named.contains("metadata") {
                next.metadata = Self.merged(next.metadata, content.metadata)
            }
            guard JSONValue.object(next.metadata).text.utf8.count <= Self.largest else {
                throw Problem.bodyTooLarge(limit: Self.largest)
            }
            try Self.check(next, request.project, request, connection)
            try queries.replace(thing, type: next.type, model: next.model, metadata: next.metadata)
            return try Self.answer(thing, before, "twin.change", request, connection)
        }.response
    }

    private func delete(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        return try await pool.change(request) { connection in
            let queries = RegistrationQueries(connection)
            guard let before = try queries.registration(thing, locked: true) else { throw Problem.notRegistered(thing) }
            try request.precondition(current: EntityTag(revision: before.version))
            try queries.delete(thing)
            try request.audit(
                "twin.unregister", "thing:\(thing.text)", before: RegistrationText.json(before), on: connection)
            return .nothing
        }.response
    }

    // MARK: Parts

    private static func content(_ body: inout BodyReader) -> Content {
        var content = Content()
        content.type = body.text("type", length: 1...256)
        if let text = body.text("modelId", length: 1...64) {
            content.model = UUIDText(text)
            if content.model == nil { body.refuse("modelId", "modelId must be the id of a model, a UUID.") }
        }
        content.metadata = body.storedObject("metadata") ?? JSONObject()
        return content
    }

    /// The type and the model are there, and such as the caller sees and the thing's project may use.
    private static func check(
        _ content: Content, _ project: ProjectID?, _ request: APIRequest, _ connection: PostgresConnection
    ) throws {
        if let name = content.type {
            let type = try TwinTypeQueries(connection).type(name)
            guard let type, type.project == nil || request.principal?.role(in: type.project) != nil else {
                throw Problem.unprocessable(
                    "no-such-type", "There is no type \(name); PUT /api/v1/twin-types/{type} makes one.")
            }
        }
        if let id = content.model {
            let model = try ModelQueries(connection).model(id)
            guard let model, model.project == nil || model.project == project else {
                throw Problem.unprocessable(
                    "no-such-model", "The twin's project has no model \(id.text), and neither has everybody.")
            }
        }
    }

    private static func answer(
        _ thing: ThingID, _ before: StoredRegistration?, _ action: String, _ request: APIRequest,
        _ connection: PostgresConnection
    ) throws -> APIAnswer {
        guard let after = try RegistrationQueries(connection).registration(thing) else { throw Problem.internalError }
        let body = RegistrationText.json(after)
        try request.audit(
            action, "thing:\(thing.text)", before: before.map(RegistrationText.json), after: body, on: connection)
        let tag = EntityTag(revision: after.version)
        guard before == nil else { return .json(body, eTag: tag) }
        return .created(body, at: "/api/v1/twins/\(PercentText.encode(thing.text))/registration", eTag: tag)
    }

    static func merged(_ object: JSONObject, _ patch: JSONObject) -> JSONObject {
        var result = object
        for (name, value) in patch {
            switch value {
            case .null: result.remove(name)
            case .object(let inner): result[name] = .object(merged(result[name]?.object ?? JSONObject(), inner))
            default: result[name] = value
            }
        }
        return result
    }
}

extension Problem {
    static func notRegistered(_ thing: ThingID) -> Problem {
        Problem(
            code: "not-registered", status: .notFound, title: "The twin is not registered",
            detail: "Nobody has registered \(thing.text). PUT this path, or POST /api/v1/twins, does.")
    }

    static func isRegistered(_ thing: ThingID) -> Problem {
        Problem(
            code: "registered", status: .conflict, title: "The twin is registered already",
            detail: "\(thing.text) is registered; PUT or PATCH /api/v1/twins/{thingId}/registration changes it.")
    }

    static func namespaceOfOthers(_ thing: ThingID) -> Problem {
        Problem(
            code: "namespace", status: .forbidden, title: "The namespace is none of your projects'",
            detail:
                "\(thing.namespace) belongs to no project in which you are an editor; its owner, or an admin, can change that."
        )
    }
}
