import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/twin-types`: types with what is declared on them, and every version of them.
///
/// A type belongs to the project of its namespace, which is the part before the first colon. One of nobody's namespace is for
/// everybody to read and to descend from, and the admins' to change.
struct TwinTypeRoutes: Sendable {
    let pool: PostgresPool

    private static let one = "/api/v1/twin-types/{type}"
    private static let versions = "/api/v1/twin-types/{type}/versions"
    private static let listParameters = ["parent", "namespace", "limit", "cursor"]

    var routes: [APIRoute] {
        [
            APIRoute("/api/v1/twin-types", access: .filtered(.viewer), parameters: Self.listParameters, handler: list),
            APIRoute(Self.one, access: .filtered(.viewer), handler: type),
            APIRoute(Self.one, access: .filtered(.editor), writing: .json(.put), handler: put),
            APIRoute(Self.one, access: .filtered(.editor), writing: .bodyless(.delete), handler: delete),
            APIRoute("/api/v1/twin-types/{type}/in-force", access: .filtered(.viewer), handler: inForce),
            APIRoute(Self.versions, access: .filtered(.viewer), parameters: ["limit", "cursor"], handler: versions),
            APIRoute("/api/v1/twin-types/{type}/versions/{version}", access: .filtered(.viewer), handler: version),
        ]
    }

    // MARK: Reading

    private func list(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.listParameters)
        let parent = reader.storableText("parent")
        let namespace = reader.storableText("namespace")
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let cursor = reader.cursor(.types, question: [parent, namespace])
        try reader.finish()
        let found = try await pool.run {
            try TwinTypeQueries($0).page(
                request.scope, parent: parent, namespace: namespace, after: cursor?.place, limit: limit)
        }
        var out = JSONOutput(capacity: 1024 * found.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for type in found.prefix(limit) { TwinTypeText.write(type, into: &out) }
        out.endArray()
        if found.count > limit {
            out.next(PageCursor(.types, question: [parent, namespace], place: found[limit - 1].name).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func type(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request)
        let type = try await pool.run { try Self.readable(name, request, $0) }
        let tag = EntityTag(revision: type.version)
        if tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        return .json(TwinTypeText.json(type), headers: [.eTag: tag.text])
    }

    private func inForce(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request)
        let lineage = try await pool.run { connection in
            _ = try Self.readable(name, request, connection)
            return try TwinTypeQueries(connection).lineage(name)
        }
        return .json(TwinTypeText.inForce(lineage))
    }

    private func versions(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: ["limit", "cursor"])
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let name = try Self.name(request)
        let cursor = reader.cursor(.types, question: ["versions", name])
        try reader.finish()
        let before = cursor.flatMap { Int64($0.place) }
        let found = try await pool.run { connection in
            _ = try Self.readable(name, request, connection)
            return try TwinTypeQueries(connection).versions(of: name, before: before, limit: limit)
        }
        var out = JSONOutput(capacity: 1024 * found.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for version in found.prefix(limit) { TwinTypeText.write(version, of: name, into: &out) }
        out.endArray()
        if found.count > limit {
            let place = "\(found[limit - 1].version)"
            out.next(PageCursor(.types, question: ["versions", name], place: place).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func version(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (name, number) = (try Self.name(request), try request.number("version"))
        let found = try await pool.run { connection in
            _ = try Self.readable(name, request, connection)
            return try TwinTypeQueries(connection).version(number, of: name)
        }
        guard let found else { throw Problem.noSuchType("\(name), version \(number)") }
        var out = JSONOutput(capacity: 1024)
        TwinTypeText.write(found, of: name, into: &out)
        return .json(out.bytes)
    }

    /// The name in the path. One that no type can have is not there.
    private static func name(_ request: APIRequest) throws(Problem) -> String {
        let name = request.captures["type"].flatMap { PercentText.decode($0) } ?? ""
        guard TwinTypeBody.isName(name) else {
            throw .parameter(
                "type",
                "A type is <namespace>:<name>:<version>, such as com.example:filler:1.0; the path has another form.")
        }
        return name
    }

    static func readable(
        _ name: String, _ request: APIRequest, _ connection: PostgresConnection
    ) throws -> StoredTwinType {
        guard let type = try TwinTypeQueries(connection).type(name) else { throw Problem.noSuchType(name) }
        if type.project != nil { try request.require(.viewer, in: type.project, missing: .noSuchType(name)) }
        return type
    }

    // MARK: Writing

    private func put(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request)
        let body = try TwinTypeBody(request, type: name)
        return try await pool.change(request) { connection in
            let queries = TwinTypeQueries(connection)
            try queries.lockAll()
            let project = try Self.checkChangeable(name, request, connection)
            let before = try queries.type(name)
            try request.precondition(current: before.map { EntityTag(revision: $0.version) })
            if let parent = body.parent { try Self.check(parent: parent, of: name, request, connection) }
            try queries.put(name, parent: body.parent, body.definition, bindings: body.bindings)
            guard let after = try queries.type(name) else { throw Problem.internalError }
            let text = TwinTypeText.json(after)
            try request.audit(
                before == nil ? "twin-type.create" : "twin-type.replace", "twin-type:\(name)", project: project,
                before: before.map(TwinTypeText.json), after: text, on: connection)
            let tag = EntityTag(revision: after.version)
            guard before == nil else { return .json(text, eTag: tag) }
            return .created(text, at: "/api/v1/twin-types/\(PercentText.encode(name))", eTag: tag)
        }.response
    }

    private func delete(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let name = try Self.name(request)
        return try await pool.change(request) { connection in
            let queries = TwinTypeQueries(connection)
            try queries.lockAll()
            let project = try Self.checkChangeable(name, request, connection)
            guard let before = try queries.type(name) else { throw Problem.noSuchType(name) }
            try request.precondition(current: EntityTag(revision: before.version))
            if let users = try queries.users(of: name) { throw Problem.inUse("The type \(name) is in use: \(users).") }
            try queries.delete(name)
            try request.audit(
                "twin-type.delete", "twin-type:\(name)", project: project, before: TwinTypeText.json(before),
                on: connection)
            return .nothing
        }.response
    }

    /// The project of the type, where the caller may change it; 404 for the types of projects that the caller does not see.
    private static func checkChangeable(
        _ name: String, _ request: APIRequest, _ connection: PostgresConnection
    ) throws -> ProjectID? {
        let project = try ProjectLookup.project(ofType: name, connection)
        if project == nil, request.principal?.isAdmin != true { throw Problem.adminOnly }
        try request.require(.editor, in: project, missing: .noSuchType(name))
        return project
    }

    /// A parent is one that the caller sees with all above it, and no descendant.
    private static func check(
        parent: String, of name: String, _ request: APIRequest, _ connection: PostgresConnection
    ) throws {
        let lineage = try TwinTypeQueries(connection).lineage(parent)
        // Whoever sees the child reads what is in force of all above it, so whoever makes it sees all of that.
        let isSeen = lineage.allSatisfy { $0.project == nil || request.principal?.role(in: $0.project) != nil }
        guard !lineage.isEmpty, isSeen else {
            throw Problem.unprocessable("no-such-parent", "There is no type \(parent.prefix(256)) to descend from.")
        }
        guard !lineage.contains(where: { $0.name == name }), lineage.count < 32 else {
            throw Problem.unprocessable("type-circle", "\(name) would descend from itself, or from more than 31 types.")
        }
    }
}

extension Problem {
    static func noSuchType(_ name: String) -> Problem {
        Problem(
            code: "type-not-found", status: .notFound, title: "No such type",
            detail: "There is no type \(name.prefix(300)). GET /api/v1/twin-types lists those that you may see.")
    }

    static func inUse(_ detail: String) -> Problem {
        Problem(code: "in-use", status: .conflict, title: "Something refers to it", detail: detail)
    }
}
