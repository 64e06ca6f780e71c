import EgizCore
import EgizPostgres
import EgizProcessors
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/twins/{thingId}/bindings`: what sets the properties of the objects of its 3D model, beside the bindings of topology files.
struct BindingRoutes: Sendable {
    let pool: PostgresPool

    private static let list = "/api/v1/twins/{thingId}/bindings"
    private static let one = "/api/v1/twins/{thingId}/bindings/{bindingId}"
    private static let parameters = ["inherited", "limit", "cursor"]
    private static let largest = 64 << 10

    var routes: [APIRoute] {
        [
            APIRoute(Self.list, access: .thing(.viewer), parameters: Self.parameters, handler: bindings),
            APIRoute(
                Self.list, access: .thing(.editor), writing: .json(.post, largest: Self.largest), handler: create),
            APIRoute(Self.one, access: .thing(.viewer), handler: binding),
            APIRoute(Self.one, access: .thing(.editor), writing: .json(.put, largest: Self.largest), handler: replace),
            APIRoute(Self.one, access: .thing(.editor), writing: .bodyless(.delete), handler: delete),
        ]
    }

    // MARK: Reading

    private func bindings(_ request: APIRequest) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let inherited = reader.flag("inherited")
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let thing = try request.thing()
        let question = [thing.text, "\(inherited)"]
        let cursor = reader.cursor(.bindings, question: question)
        try reader.finish()
        let after = cursor.flatMap { BindingQueries.Place($0.place) }
        let found = try await pool.run {
            try BindingQueries($0).bindings(of: thing, inherited: inherited, after: after, limit: limit)
        }
        var out = JSONOutput(capacity: 256 * found.count + 64)
        out.beginObject()
        out.member("thingId", thing.text)
        out.key("items")
        out.beginArray()
        for binding in found.prefix(limit) { BindingText.write(binding, into: &out) }
        out.endArray()
        if found.count > limit {
            let place = BindingQueries.Place(found[limit - 1]).text
            out.next(PageCursor(.bindings, question: question, place: place).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    private func binding(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (thing, id) = (try request.thing(), try request.number("bindingId"))
        guard let found = try await pool.run({ try BindingQueries($0).binding(id, of: thing) }) else {
            throw Problem.noSuchBinding(id, thing)
        }
        let tag = EntityTag(revision: found.version)
        if tag.matches(request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: [.eTag: tag.text])
        }
        return .json(BindingText.json(found), headers: [.eTag: tag.text])
    }

    // MARK: Writing

    private func create(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let thing = try request.thing()
        let (settings, enabled) = try Self.settings(request, thing)
        return try await pool.change(request) { connection in
            try Self.checkModel(settings, of: thing, connection)
            let queries = BindingQueries(connection)
            let id = try queries.create(type: nil, thing: thing, settings, enabled: enabled)
            guard let made = try queries.binding(id, of: thing) else { throw Problem.noSuchBinding(id, thing) }
            let body = BindingText.json(made)
            try request.audit("binding.create", "binding:\(id)", after: body, on: connection)
            return .created(
                body, at: "/api/v1/twins/\(PercentText.encode(thing.text))/bindings/\(id)",
                eTag: EntityTag(revision: made.version))
        }.response
    }

    private func replace(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (thing, id) = (try request.thing(), try request.number("bindingId"))
        let (settings, enabled) = try Self.settings(request, thing)
        return try await pool.change(request) { connection in
            let queries = BindingQueries(connection)
            guard let before = try queries.binding(id, of: thing, locked: true) else {
                throw Problem.noSuchBinding(id, thing)
            }
            try request.precondition(current: EntityTag(revision: before.version))
            try Self.checkModel(settings, of: thing, connection)
            try queries.replace(id, settings, enabled: enabled)
            guard let after = try queries.binding(id, of: thing) else { throw Problem.noSuchBinding(id, thing) }
            let body = BindingText.json(after)
            try request.audit(
                "binding.replace", "binding:\(id)", before: BindingText.json(before), after: body, on: connection)
            return .json(body, eTag: EntityTag(revision: after.version))
        }.response
    }

    private func delete(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let (thing, id) = (try request.thing(), try request.number("bindingId"))
        return try await pool.change(request) { connection in
            let queries = BindingQueries(connection)
            guard let before = try queries.binding(id, of: thing, locked: true) else {
                throw Problem.noSuchBinding(id, thing)
            }
            try request.precondition(current: EntityTag(revision: before.version))
            try queries.delete(id)
            try request.audit("binding.delete", "binding:\(id)", before: BindingText.json(before), on: connection)
            return .nothing
        }.response
    }

    /// The words of the body, checked by the code that puts them in force, and whether it is in force.
    private static func settings(_ request: APIRequest, _ thing: ThingID) throws -> (JSONObject, Bool) {
        var settings = try RegistryBody.object(request)
        let enabled: Bool
        switch settings.remove("enabled") {
        case nil: enabled = true
        case .bool(let flag)?: enabled = flag
        default: throw Problem.invalidBody([.init(pointer: "/enabled", detail: "enabled must be true or false.")])
        }
        // A star in a thing's name would be a pattern in its binding.
        guard !thing.text.utf8.contains(UInt8(ascii: "*")) else {
            throw Problem.unprocessable(
                "thing-pattern", "A thing whose id has a * in it cannot have bindings of its own.")
        }
        for word in ["type", "thing", "namespace"] where settings[word] != nil {
            throw Problem.invalidBody([
                .init(pointer: "/\(word)", detail: "\(word) is said by the path; the binding is for this thing.")
            ])
        }
        if let fault = RegistryCheck.binding(.object(settings), type: nil, thing: thing.text) {
            throw Problem.unprocessable("invalid-binding", "\(fault).")
        }
        return (settings, enabled)
    }

    /// Where the thing has a 3D model, the object is a node of it.
    private static func checkModel(_ settings: JSONObject, of thing: ThingID, _ connection: PostgresConnection) throws {
        guard let object = settings["objectName"]?.string,
            let nodes = try ModelQueries(connection).nodeNames(of: thing),
            !nodes.contains(where: { $0.utf8.elementsEqual(object.utf8) })
        else { return }
        let hint = NearestWord.find(object, among: nodes).map { "; did you mean \($0)?" } ?? "."
        throw Problem.unprocessable("no-such-node", "The thing's 3D model has no node \(object.prefix(80))\(hint)")
    }
}

extension Problem {
    static func noSuchBinding(_ id: Int64, _ thing: ThingID) -> Problem {
        Problem(
            code: "binding-not-found", status: .notFound, title: "No such binding",
            detail: "\(thing.text) has no binding \(id) of its own; its list is at /api/v1/twins/{thingId}/bindings.")
    }
}
