import EgizPostgres
import Foundation
import JWTKit

/// Signs and checks the access tokens of this server. They are signed with HS256; a token that says it is signed in another way is
/// none of ours, whatever it carries.
actor AccessTokens {
    static let algorithm = "HS256"

    private let secret: TokenSecret
    private var collection: JWTKeyCollection?

    init(_ secret: TokenSecret) { self.secret = secret }

    /// A token for a session that lasts `lifetime` seconds from `now` on.
    func sign(user: UUIDText, session: UUIDText, lifetime: Int64, now: Date = Date()) async throws -> String {
        let claims = AccessClaims(
            sub: user.text, sid: session.text, iat: now, exp: now.addingTimeInterval(Double(lifetime)))
        return try await keys().sign(claims)
    }

    /// The user and the session of a token that we signed and that has not expired; nil for any other text.
    func verify(_ token: String) async -> (user: UUIDText, session: UUIDText)? {
        guard let header = TokenHeader(of: token), header.algorithm == Self.algorithm,
            let claims = try? await keys().verify(token, as: AccessClaims.self), let user = UUIDText(claims.sub),
            let session = UUIDText(claims.sid)
        else { return nil }
        return (user, session)
    }

    private func keys() async -> JWTKeyCollection {
        if let collection { return collection }
        let made = JWTKeyCollection()
        await made.add(hmac: HMACKey(from: secret.bytes), digestAlgorithm: .sha256)
        collection = made
        return made
    }
}
