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

    /// Reads the present state of what a subscription names, a page after the other.
    func snapshot(
        _ subscription: LiveSubscription, _ scope: AccessScope, deliver: ([LiveRow]) async throws -> Void
    ) async throws {
        let kinds = subscription.kinds
        let question = LiveQueries.Question(
            things: subscription.things.map { $0.sorted().map(\.text) },
            projects: subscription.projects.map { $0.sorted() },
            scope: scope, twins: kinds.contains(.twin), scenes: kinds.contains(.binding),
            alerts: kinds.contains(.alert), predictions: kinds.contains(.prediction))
        guard question.twins || question.scenes || question.alerts || question.predictions else { return }
        var after: String?
        repeat {
            try Task.checkCancellation()
            let place = after
            let (rows, next) = try await snapshots.pass {
                let page = try await queries.page(question, after: place, limit: settings.snapshotPage)
                return (
                    try LiveRow.rows(page, subscription.patterns, twins: question.twins), page.next
                )
            }
            after = next
            if !rows.isEmpty { try await deliver(rows) }
        } while after != nil
    }
}
