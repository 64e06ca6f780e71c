import Foundation
import JWTKit

/// What a token of an outside identity provider says, as far as we look at it.
struct OutsideClaims: JWTPayload {
    /// One audience or several; both are allowed.
    enum Audience: Codable, Sendable {
        case one(String)
        case several([String])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let one = try? container.decode(String.self) {
                self = .one(one)
            } else {
                self = .several(try container.decode([String].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .one(let audience): try container.encode(audience)
            case .several(let audiences): try container.encode(audiences)
            }
        }

        func includes(_ audience: String) -> Bool {
            switch self {
            case .one(let one): one == audience
            case .several(let several): several.contains(audience)
            }
        }
    }

    var iss: String
    var sub: String
    var aud: Audience
    var exp: Date
    var nbf: Date?
    var email: String?
    var email_verified: Bool?
    var name: String?

    func verify(using algorithm: some JWTAlgorithm) throws {
        try ExpirationClaim(value: exp).verifyNotExpired()
        if let nbf { try NotBeforeClaim(value: nbf).verifyNotBefore() }
    }

    /// Only an address that the provider has checked says anything about who this is.
    var verifiedEmail: String? {
        email_verified == true ? email.flatMap(EmailAddress.normalized) : nil
    }
}
