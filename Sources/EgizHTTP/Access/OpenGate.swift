import EgizPostgres
import HTTPTypes

/// Knows nobody: for processes whose routes are all for everyone. Any other route of theirs is answered with 401.
struct OpenGate: AccessControl {
    func principal(authorization: String?, headers: HTTPFields, remoteAddress: String?) -> Principal? { nil }
    func project(ofThing thing: String) -> ProjectID? { nil }
    func exists(_ project: ProjectID) -> Bool { false }
}
