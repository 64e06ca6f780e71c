import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes
import Hummingbird

/// `/api/v1/projects/{project}/namespaces` and `…/things`: what belongs to a project. A thing belongs to the project it is registered
/// with, else to that of its namespace; things of neither are the admins'.
struct BelongingRoutes: Sendable {
    let accounts: Accounts

    private static let namespaces = "/api/v1/projects/{project}/namespaces"
    private static let things = "/api/v1/projects/{project}/things"
    private static let parameters = ["limit", "cursor"]
    /// Of one project, without an admin's word.
    static let mostNamespaces = 50

    var routes: [APIRoute] {
        [
            APIRoute(
                Self.namespaces, access: .project(.viewer), parameters: Self.parameters, handler: listNamespaces),
            APIRoute(
                Self.namespaces, access: .project(.owner), writing: .json(.post, largest: 4096), handler: addNamespace),
            APIRoute(
                Self.namespaces + "/{namespace}", access: .project(.owner), writing: .bodyless(.delete),
                handler: removeNamespace),
            APIRoute(Self.things, access: .project(.viewer), parameters: Self.parameters, handler: listThings),
            APIRoute(
                Self.things, access: .project(.owner), writing: .json(.post, largest: 4096), handler: addThing),
            APIRoute(
                Self.things + "/{thingId}", access: .project(.owner), writing: .bodyless(.delete), handler: removeThing),
        ]
    }

    // MARK: Lists

    private func listNamespaces(_ request: APIRequest) async throws -> Response {
        try await list(request, .namespaces, member: "namespace") { queries, project, after, limit in
            let page = try queries.namespaces(of: project, after: after, limit: limit)
            return (page.namespaces, page.hasMore)
        }
    }

    private func listThings(_ request: APIRequest) async throws -> Response {
        try await list(request, .things, member: "thingId") { queries, project, after, limit in
            let page = try queries.things(of: project, after: after, limit: limit)
            return (page.things, page.hasMore)
        }
    }

    private func list(
        _ request: APIRequest, _ kind: PageCursor.Kind, member: String,
        _ read: @escaping @Sendable (ProjectQueries, ProjectID, String?, Int) throws -> ([StoredBelonging], Bool)
    ) async throws -> Response {
        var reader = request.reader(known: Self.parameters)
        let project = try request.requiredProject()
        let limit = reader.integer("limit", in: 1...1000, default: 100)
        let cursor = reader.cursor(kind, question: [project.text])
        try reader.finish()
        let after = cursor?.place
        let (items, hasMore) = try await accounts.pool.run { try read(ProjectQueries($0), project, after, limit) }
        var out = JSONOutput(capacity: 96 * items.count + 64)
        out.beginObject()
        out.key("items")
        out.beginArray()
        for item in items { AccountText.write(item, as: member, into: &out) }
        out.endArray()
        if hasMore, let last = items.last {
            out.next(PageCursor(kind, question: [project.text], place: last.name).text)
        }
        out.endObject()
        return .json(out.bytes)
    }

    // MARK: Namespaces

    private func addNamespace(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let namespace = try request.body(known: ["namespace"]) { body in
            let text = body.requiredText("namespace", length: 1...256)
            if !text.isEmpty, (try? ThingID(validating: text + ":x"))?.namespace != text {
                body.refuse(
                    "namespace", "namespace must be what stands before the colon of a thing id, such as com.example.")
            }
            return text
        }
        let isAdmin = request.principal?.isAdmin == true
        guard isAdmin || accounts.configuration.ownersTakeNamespaces else { throw Problem.namespacesAreAdmins }
        return try await accounts.change(request, .things) { connection in
            let queries = ProjectQueries(connection)
            try queries.lockBelongings()
            try queries.lock(project)
            let owner = try queries.owner(ofNamespace: namespace)
            if let owner, owner != project { throw Problem.namespaceIsTaken(namespace) }
            if owner == nil, !isAdmin {
                if try queries.isUsed(namespace: namespace) { throw Problem.thingsExist }
                guard
                    try queries.namespaces(of: project, after: nil, limit: Self.mostNamespaces).namespaces.count
                        < Self.mostNamespaces
                else { throw Problem.tooManyNamespaces }
            }
            guard let made = try queries.addNamespace(namespace, to: project) else {
                throw Problem.namespaceIsTaken(namespace)
            }
            let body = AccountText.json { AccountText.write(made, as: "namespace", into: &$0) }
            try request.audit("project.namespace.add", "namespace:\(namespace)", after: body, on: connection)
            return .created(body, at: "\(request.path)/\(PercentText.encode(namespace))")
        }.response
    }

    private func removeNamespace(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        guard let namespace = request.captures["namespace"].flatMap({ PercentText.decode($0) }),
            !namespace.utf8.contains(0)
        else { throw Problem.noSuchNamespace(request.captures["namespace"] ?? "") }
        return try await accounts.change(request, .things) { connection in
            let queries = ProjectQueries(connection)
            try queries.lockBelongings()
            // Types of nobody are for everybody to read: what is in this one's is not meant to be.
            if let type = try queries.type(of: project, namespace: namespace) { throw Problem.typesStay(type) }
            guard try queries.removeNamespace(namespace, from: project) else {
                throw Problem.noSuchNamespace(namespace)
            }
            let before = AccountText.json { out in
                out.beginObject()
                out.member("namespace", namespace)
                out.endObject()
            }
            try request.audit("project.namespace.remove", "namespace:\(namespace)", before: before, on: connection)
            return .nothing
        }.response
    }

    // MARK: Things

    /// Registers a thing that is the project's already, or of another project that the caller owns, or of nobody: then an admin does it,
    /// unless there is no such twin yet.
    private func addThing(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let wanted = try request.body(known: ["thingId"]) { body in
            body.require("thingId")
            return body.thing("thingId")
        }
        guard let thing = wanted, let principal = request.principal else { throw Problem.unauthenticated }
        return try await accounts.change(request, .things) { connection in
            let queries = ProjectQueries(connection)
            try queries.lockBelongings()
            try queries.lock(project)
            let present = try PrincipalQueries(connection).project(ofThing: thing.text)
            if let present, principal.role(in: present) != .owner { throw Problem.thingIsTaken }
            if present == nil, !principal.isAdmin {
                guard accounts.configuration.ownersTakeNamespaces else { throw Problem.namespacesAreAdmins }
                if try queries.isUsed(thing) { throw Problem.thingsExist }
            }
            let made = try queries.putThing(thing, in: project)
            let body = AccountText.json { AccountText.write(made, as: "thingId", into: &$0) }
            try request.audit(
                "project.thing.add", "thing:\(thing.text)", before: present.map(Self.json), after: Self.json(project),
                on: connection)
            return .created(body, at: "\(request.path)/\(PercentText.encode(thing.text))")
        }.response
    }

    private func removeThing(_ request: APIRequest) async throws -> Response {
        try request.reader(known: []).finish()
        let project = try request.requiredProject()
        let thing = try request.thing()
        return try await accounts.change(request, .things) { connection in
            let queries = ProjectQueries(connection)
            try queries.lockBelongings()
            guard try queries.removeThing(thing, from: project) else {
                throw Problem.notRegistered(thing.text)
            }
            try request.audit("project.thing.remove", "thing:\(thing.text)", before: Self.json(project), on: connection)
            return .nothing
        }.response
    }

    private static func json(_ project: ProjectID) -> [UInt8] {
        AccountText.json { out in
            out.beginObject()
            out.member("projectId", project.text)
            out.endObject()
        }
    }
}
