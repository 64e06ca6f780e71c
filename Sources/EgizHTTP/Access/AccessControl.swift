import EgizCore
import EgizPostgres
import EgizTwin
import HTTPTypes

/// The gate: who asks, and may they. Before the body of a request is read and before its handler runs.
///
/// `AccountGate` is the real one; processes that serve health alone have `OpenGate`.
protocol AccessControl: Sendable {
    /// Who the credentials of a request belong to: nil where it has none and that is not enough to be the local operator.
    ///
    /// Throws `Problem.invalidToken` for credentials that are not valid; `EngineError` where the database is away.
    func principal(authorization: String?, headers: HTTPFields, remoteAddress: String?) async throws -> Principal?

    /// The project of a thing: by registration or namespace; nil: nobody's. At most 2 s old.
    func project(ofThing thing: String) async throws -> ProjectID?

    /// Whether there is such a project. At most 2 s old.
    func exists(_ project: ProjectID) async throws -> Bool
}

extension AccessControl {
    /// What a request to a route may do, or the problem it is answered with: 401 without a principal, 404 for what the
    /// caller does not see, 403 for what the caller sees and may not do.
    func admit(
        _ route: APIRoute, captures: [String: String], headers: HTTPFields, remoteAddress: String?
    ) async throws -> Admission {
        let access = route.access
        if access == .everyone { return Admission(principal: nil, scope: .projects([])) }
        let sent = headers[values: .authorization]
        // Two would let a proxy look at one and us at the other.
        guard sent.count <= 1 else { throw Problem.invalidToken }
        let found = try await principal(authorization: sent.first, headers: headers, remoteAddress: remoteAddress)
        guard let principal = found else { throw Problem.unauthenticated }
        switch access {
        case .everyone, .signedIn: return Admission(principal: principal, scope: principal.scope(.viewer))
        case .account:
            guard principal.kind == .user else { throw Problem.needsAccount }
            return Admission(principal: principal, scope: principal.scope(.viewer))
        case .admin:
            guard principal.isAdmin else { throw Problem.adminOnly }
            return Admission(principal: principal, scope: .all)
        case .filtered(let role):
            // Who may change nothing anywhere is told so before the body is read, whatever the path names.
            if route.writing != nil, principal.scope(role) == .projects([]) { throw Problem.forbidden(needs: role) }
            return Admission(principal: principal, scope: principal.scope(role))
        case .thing(let role):
            let thing = try ThingID.inPath(captures["thingId"]).text
            // An admin sees everything: reading needs no word of whose it is.
            if principal.isAdmin, route.writing == nil { return Admission(principal: principal, scope: .all) }
            let project = try await project(ofThing: thing)
            try Self.check(principal, has: role, in: project, missing: .noSuchTwin(thing))
            return Admission(principal: principal, scope: principal.scope(role), project: project)
        case .project(let role):
            let text = captures["project"] ?? ""
            guard let project = ProjectID(text), try await exists(project) else { throw Problem.noSuchProject(text) }
            try Self.check(principal, has: role, in: project, missing: .noSuchProject(text))
            return Admission(principal: principal, scope: principal.scope(role), project: project)
        }
    }

    private static func check(
        _ principal: Principal, has role: Role, in project: ProjectID?, missing: Problem
    ) throws(Problem) {
        guard let own = principal.role(in: project) else { throw missing }
        guard own >= role else { throw .forbidden(needs: role) }
    }
}
