import EgizPostgres
import HTTPTypes

extension Problem {
    static let unauthenticated = Problem(
        code: "unauthenticated", status: .unauthorized, title: "Say who you are",
        detail: """
            This needs a token of POST /api/v1/auth/login, or an API key, in the header Authorization: Bearer <token>.
            """, headers: [.wwwAuthenticate: #"Bearer realm="egiz""#])

    /// One answer for everything that is wrong with a token: which it is, is nobody's business but the log's.
    static let invalidToken = Problem(
        code: "invalid-token", status: .unauthorized, title: "The token is not valid",
        detail: """
            The token or key is not one of ours, has expired, or was revoked. Get a new token with POST /api/v1/auth/refresh or \
            POST /api/v1/auth/login.
            """, headers: [.wwwAuthenticate: #"Bearer realm="egiz", error="invalid_token""#])

    static func forbidden(needs role: Role) -> Problem {
        Problem(
            code: "forbidden", status: .forbidden, title: "Your role does not allow this",
            detail: "This needs the role \(role.name) in the project; an owner of the project can give it.")
    }

    static let adminOnly = Problem(
        code: "admin-only", status: .forbidden, title: "This is for admins",
        detail: "This is about the whole system; an admin can do it.")

    static let needsAccount = Problem(
        code: "needs-account", status: .forbidden, title: "This is for people with an account",
        detail: "Sign in with POST /api/v1/auth/login; API keys, and requests without credentials, cannot do this.")

    static func noSuchProject(_ id: String) -> Problem {
        Problem(
            code: "project-not-found", status: .notFound, title: "No such project",
            detail: "There is no project \(id), or you are no member of it. GET /api/v1/projects lists yours.")
    }
}
