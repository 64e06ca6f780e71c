import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/twins/{thingId}/relations`: what a twin is part of, who its parent is, and what else people say it has to do with others.
struct RelationRoutes: Sendable {
    let pool: PostgresPool

    private static let parameters = ["kind", "direction", "depth", "limit"]
    private static let one = "/api/v1/twins/{thingId}/relations/{kind}/{otherId}"

    var routes: [APIRoute] {
        [
            APIRoute(
                "/api/v1/twins/{thingId}/relations", access: .thing(.viewer), parameters: Self.parameters,
                handler: relations),
            APIRoute(Self.one, access: .thing(.editor), writing: .bodyless(.put), handler: add),
            APIRoute(Self.one, access: .thing(.editor), writing: .bodyless(.delete), handler: remove),
        ]
    }

    private func relations(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let kind = reader.storableText("kind")
        let direction = reader.word("direction", among: RelationQueries.Direction.self) ?? .both
        let depth = reader.integer("depth", in: 1...RelationQueries.deepest, default: 1)
        let limit = reader.integer("limit", in: 1...1000, default: 1000)
        let thing = try request.thing()
        try reader.finish()
        let found = try await pool.run { connection in
            // What the caller does not see is walked past, however much of it there is.
            try connection.execute("begin read only; set local statement_timeout = '5s'")
            guard try RegistrationQueries(connection).exists(thing) else { throw Problem.noSuchTwin(thing.text) }
            return try RelationQueries(connection).relations(
                of: thing, kind: kind, direction, depth: depth, request.scope, limit: limit)
        }
        var out = JSONOutput(capacity: 96 * found.count + 64)
        out.beginObject()
        out.member("thingId", thing.text)
        out.key("items")
        out.beginArray()
        for relation in found.prefix(limit) {
            out.beginObject()
            out.member("thingId", relation.thing)
            out.member("kind", relation.kind)
            out.member("otherId", relation.other)
            out.member("depth", relation.depth)
            out.endObject()
        }
        out.endArray()
        out.key("complete")
        out.bool(found.count <= limit)
        out.endObject()
        return .json(out.bytes)
    }

    private func add(_ request: APIRequest) async throws -> Response {
        let (thing, kind, other) = try Self.path(request)
        return try await pool.change(request) { connection in
            let registrations = RegistrationQueries(connection)
            guard try registrations.exists(thing) else { throw Problem.noSuchTwin(thing.text) }
            let project = try ProjectLookup.project(of: other.text, connection)
            try request.require(.viewer, in: project, missing: .noSuchTwin(other.text))
            guard try registrations.exists(other) else { throw Problem.noSuchTwin(other.text) }
            guard thing != other else {
                throw Problem.unprocessable("relation-circle", "A twin has no relation to itself.")
            }
            switch try RelationQueries(connection).add(thing, kind, other) {
            case .present: return .nothing
            case .added:
                try request.audit(
                    "relation.add", "thing:\(thing.text)", after: Self.json(thing, kind, other), on: connection)
                return .created(
                    Self.json(thing, kind, other),
                    at: """
                        /api/v1/twins/\(PercentText.encode(thing.text))/relations/\(kind)/\(PercentText.encode(other.text))
                        """)
            case .hasParent:
                throw Problem.inUse("\(thing.text) has a parent already; remove that relation first.")
            case .circle:
                throw Problem.unprocessable("relation-circle", "\(other.text) is below \(thing.text) already.")
            }
        }.response
    }

    private func remove(_ request: APIRequest) async throws -> Response {
        let (thing, kind, other) = try Self.path(request)
        return try await pool.change(request) { connection in
            // What a caller may not see is not there.
            let project = try ProjectLookup.project(of: other.text, connection)
            try request.require(.viewer, in: project, missing: .noSuchRelation)
            guard try RelationQueries(connection).remove(thing, kind, other) else { throw Problem.noSuchRelation }
            try request.audit(
                "relation.remove", "thing:\(thing.text)", before: Self.json(thing, kind, other), on: connection)
            return .nothing
        }.response
    }

    private static func path(_ request: APIRequest) throws(Problem) -> (ThingID, String, ThingID) {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        let kind = request.captures["kind"] ?? ""
        let bytes = Array(kind.utf8)
        let isWord = bytes.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard let first = bytes.first, (0x61...0x7A).contains(first), bytes.count <= 64, isWord else {
            throw .parameter(
                "kind",
                "A kind is a word of 1 to 64 letters and digits that begins with a small letter, such as partOf.")
        }
        guard let text = request.captures["otherId"].flatMap({ PercentText.decode($0) }),
            let other = try? ThingID(validating: text)
        else {
            throw .parameter("otherId", "The last part of the path is a thing id, <namespace>:<name>.")
        }
        return (thing, kind, other)
    }

    private static func json(_ thing: ThingID, _ kind: String, _ other: ThingID) -> [UInt8] {
        var out = JSONOutput()
        out.beginObject()
        out.member("thingId", thing.text)
        out.member("kind", kind)
        out.member("otherId", other.text)
        out.endObject()
        return out.bytes
    }
}

extension Problem {
    static let noSuchRelation = Problem(
        code: "relation-not-found", status: .notFound, title: "No such relation",
        detail: "The twin has no such relation; its list is at /api/v1/twins/{thingId}/relations.")
}
