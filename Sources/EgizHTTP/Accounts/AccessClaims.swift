import Foundation
import JWTKit

/// What an access token of ours says.
struct AccessClaims: JWTPayload {
    static let issuer = "egiz"

    var iss = AccessClaims.issuer
    /// The user.
    var sub: String
    /// The session: with it, the token ends.
    var sid: String
    var iat: Date
    var exp: Date

    func verify(using algorithm: some JWTAlgorithm) throws {
        guard iss == Self.issuer else {
            throw JWTError.claimVerificationFailure(failedClaim: IssuerClaim(value: iss), reason: "another issuer")
        }
        try ExpirationClaim(value: exp).verifyNotExpired()
    }
}
