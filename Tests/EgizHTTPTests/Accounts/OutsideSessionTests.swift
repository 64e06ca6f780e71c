import Crypto
import EgizPostgres
import EgizTwin
import Foundation
import HTTPTypes
import HummingbirdTesting
import JWTKit
import Testing

@testable import EgizHTTP

extension DatabaseTests {
    /// People who sign in with an outside identity provider.
    @Suite struct OutsideSessionTests {
        private struct Said: JWTPayload {
            var iss = "https://id.example"
            var sub = "maria"
            var aud = "egiz"
            var exp = Date(timeIntervalSinceNow: 60)

            func verify(using algorithm: some JWTAlgorithm) {}
        }

        /// A token of the provider has no session here: a 204 would say that it has ended, and it would go on.
        @Test func whoHasNoSessionHereIsToldThatThereIsNoneToEnd() async throws {
            let key = try EdDSA.PrivateKey(curve: .ed25519)
            let x = Base64URL.encode(Array(key.publicKey.rawRepresentation))
            let people = try TestPeople {
                $0.provider = IdentityProvider(issuer: "https://id.example", audience: "egiz") {
                    #"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","x":"\#(x)"}]}"#
                }
            }
            let keys = JWTKeyCollection()
            await keys.add(eddsa: key, kid: "k1")
            let token = try await keys.sign(Said(), kid: "k1")
            #expect(try await people.json(.get, "/api/v1/users/me", token)["kind"]?.string == "user")
            for uri in ["/api/v1/auth/logout", "/api/v1/auth/logout?everywhere=true"] {
                let answer = try await people.send(.post, uri, token)
                #expect(answer.status == .conflict && people.code(answer) == "no-session", "\(answer.text)")
            }
            #expect(try await people.send(.get, "/api/v1/users/me", token).status == .ok)
        }
    }
}
