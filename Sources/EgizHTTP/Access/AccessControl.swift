import EgizCore
import EgizPostgres
import HTTPTypes

/// The gate: who asks, and may they. Before the body of a request is read and before its handler runs.
///
/// `AccountGate` is the real one; processes that serve health alone have `OpenGate`.
protocol AccessControl: Sendable {
    /// Who the credentials of a request belong to: nil where it has none and that is not enough to be the local operator.
    ///
    /// Throws `Problem.invalidToken` for credentials that are not valid, whatever the route; `.databaseAway`.
    func principal(authorization: String?, headers: HTTPFields, remoteAddress: String?) async throws -> Principal?

    /// The project of a thing: by registration or namespace; nil: nobody's. At most 2 s old.
    func project(ofThing thing: String) async throws -> ProjectID?

    /// Whether there is such a project. At most 2 s old.
    func exists(_ project: ProjectID) async throws -> Bool
}
