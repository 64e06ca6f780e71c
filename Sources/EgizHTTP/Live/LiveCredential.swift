import EgizPostgres
import HTTPTypes

/// What a client of live push has shown of itself. Never logged.
struct LiveCredential: Sendable {
    /// A token or an API key; nil: none was sent.
    var token: String?
    /// What proxies said of it: who was passed on is not the local operator.
    var passedOn: HTTPFields = [:]
    var remoteAddress: String?

    /// The token of `Authorization`, as it came.
    static func token(_ authorization: String?) -> String? {
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return authorization }
        return String(authorization.dropFirst(7))
    }

    /// - Parameter headers: of the request; of them only what proxies said is kept.
    init(token: String?, headers: HTTPFields, remoteAddress: String?) {
        self.token = token
        self.remoteAddress = remoteAddress
        for name in HTTPField.Name.passedOn {
            passedOn[values: name] = headers[values: name]
        }
    }

    var headers: HTTPFields {
        var headers = passedOn
        if let token { headers[.authorization] = "Bearer \(token)" }
        return headers
    }
}

extension LiveService {
    /// Who that is; nil where nothing was shown and that is not enough. Throws as `AccessControl` does.
    func principal(of credential: LiveCredential) async throws -> Principal? {
        let headers = credential.headers
        return try await access.principal(
            authorization: headers[.authorization], headers: headers, remoteAddress: credential.remoteAddress)
    }
}
