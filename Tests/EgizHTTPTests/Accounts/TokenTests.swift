import Crypto
import EgizCore
import EgizPostgres
import Foundation
import JWTKit
import Synchronization
import Testing

@testable import EgizHTTP

@Suite struct TokenTests {
    private let user = UUIDText("11111111-2222-3333-4444-555555555555")
    private let session = UUIDText("aaaaaaaa-2222-3333-4444-555555555555")

    private func tokens(_ secret: String = TestPeople.secret) throws -> AccessTokens {
        AccessTokens(try TokenSecret(secret))
    }

    private static func base64(_ text: String) -> String { Base64URL.encode(Array(text.utf8)) }

    // MARK: Ours

    @Test func aTokenNamesTheUserAndTheSession() async throws {
        let (user, session) = (try #require(user), try #require(session))
        let tokens = try tokens()
        let token = try await tokens.sign(user: user, session: session, lifetime: 60)
        let found = await tokens.verify(token)
        #expect(found?.user == user && found?.session == session)
    }

    @Test func expiredAndForgedTokensAreNone() async throws {
        let (user, session) = (try #require(user), try #require(session))
        let tokens = try tokens()
        let expired = try await tokens.sign(
            user: user, session: session, lifetime: 60, now: Date(timeIntervalSinceNow: -61))
        #expect(await tokens.verify(expired) == nil)
        let forged = try await self.tokens("another-Secret-0f-thirty-two-bytes!!").sign(
            user: user, session: session, lifetime: 60)
        #expect(await tokens.verify(forged) == nil)
        let good = try await tokens.sign(user: user, session: session, lifetime: 60)
        #expect(await tokens.verify(String(good.dropLast(2)) + "AA") == nil)
    }

    /// `alg: none` with and without the signature of another token, other algorithms over the same text, and heads that are none.
    @Test func onlyWhatSaysHS256IsLookedAt() async throws {
        let (user, session) = (try #require(user), try #require(session))
        let tokens = try tokens()
        let good = try await tokens.sign(user: user, session: session, lifetime: 60)
        let parts = good.split(separator: ".").map(String.init)
        for head in [
            #"{"alg":"none","typ":"JWT"}"#, #"{"alg":"None"}"#, #"{"alg":"HS384"}"#, #"{"alg":"RS256"}"#,
            #"{"typ":"JWT"}"#,
            #"{"alg":1e400}"#, #"{"alg":"HS256","x":1e300}"#, #"{"alg":"HS256","crit":["x"]}"#, "[]", "", "{",
        ] {
            let encoded = Self.base64(head)
            #expect(await tokens.verify("\(encoded).\(parts[1]).\(parts[2])") == nil, "\(head)")
            #expect(await tokens.verify("\(encoded).\(parts[1]).") == nil, "\(head)")
        }
        for text in ["", ".", "..", "a.b", "a.b.c.d", parts[0], good + ".x", String(repeating: "a", count: 9000)] {
            #expect(await tokens.verify(text) == nil)
        }
    }

    @Test(arguments: [
        ("short", false), ("", false), (String(repeating: "a", count: 64), false),
        (String(repeating: "abc", count: 30), false), ("changeme-changeme-changeme-0123456789", false),
        ("secret0123456789abcdefghijklmnopqrstuvwxyz", false), (TestPeople.secret, true),
    ])
    func shortAndDefaultSecretsAreRefused(text: String, isTaken: Bool) {
        let secret = try? TokenSecret(text)
        #expect((secret != nil) == isTaken)
        #expect(secret.map { "\($0)" + String(reflecting: $0) } ?? "(secret)(secret)" == "(secret)(secret)")
    }

    @Test func aMadeSecretIsTakenAndIsAnotherEachTime() throws {
        #expect(throws: Never.self) { try TokenSecret(TokenSecret.randomText()) }
        #expect(TokenSecret.randomText() != TokenSecret.randomText())
    }

    // MARK: Looked up

    @Test func opaqueTokensAreOfOneKindAndNotMistyped() throws {
        let token = OpaqueToken(.apiKey)
        #expect(token.text.hasPrefix("egiz_"))
        #expect(OpaqueToken(.apiKey, parsing: token.text)?.hash == token.hash)
        #expect(OpaqueToken(.refresh, parsing: token.text) == nil)
        #expect(OpaqueToken(.apiKey, parsing: "egizr_" + token.text.dropFirst(5)) == nil)
        let last = token.text.last == "A" ? "B" : "A"
        #expect(OpaqueToken(.apiKey, parsing: token.text.dropLast(8) + "\(last)" + token.text.suffix(7)) == nil)
        #expect(OpaqueToken(.apiKey).text != token.text)
        for text in ["", "egiz_", "egiz_!", String(repeating: "egiz_", count: 100)] {
            #expect(OpaqueToken(.apiKey, parsing: text) == nil)
        }
    }

    // MARK: An outside identity provider

    private static func keySet(_ key: EdDSA.PrivateKey, name: String) -> String {
        let x = Base64URL.encode(Array(key.publicKey.rawRepresentation))
        return #"""
            {"keys":[{"kty":"oct","kid":"odd","k":"AAAA"},
            {"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"\#(name)","x":"\#(x)"}]}
            """#
    }

    private struct Said: JWTPayload {
        var iss = "https://id.example"
        var sub = "maria"
        var aud = ["egiz", "other"]
        var exp = Date(timeIntervalSinceNow: 60)
        var email = "Maria@Example.com"
        var email_verified = true

        func verify(using algorithm: some JWTAlgorithm) {}
    }

    private static func sign(_ said: Said, _ key: EdDSA.PrivateKey, name: JWKIdentifier?) async throws -> String {
        let keys = JWTKeyCollection()
        await keys.add(eddsa: key, kid: name)
        return try await keys.sign(said, kid: name)
    }

    @Test func tokensOfTheProviderAreTakenByItsKeys() async throws {
        let key = try EdDSA.PrivateKey(curve: .ed25519)
        let loads = Mutex(0)
        let outside = OutsideTokens(
            IdentityProvider(issuer: "https://id.example", audience: "egiz") {
                loads.withLock { $0 += 1 }
                return Self.keySet(key, name: "k1")
            }, logger: TestAPI.quiet)
        let claims = await outside.verify(try await Self.sign(Said(), key, name: "k1"))
        #expect(claims?.sub == "maria" && claims?.verifiedEmail == "maria@example.com")
        #expect(
            await outside.verify(try await Self.sign(Said(email_verified: false), key, name: "k1"))?.verifiedEmail
                == nil)

        var refused: [String] = []
        refused.append(try await Self.sign(Said(iss: "https://evil.example"), key, name: "k1"))
        refused.append(try await Self.sign(Said(aud: ["other"]), key, name: "k1"))
        refused.append(try await Self.sign(Said(aud: []), key, name: "k1"))
        refused.append(try await Self.sign(Said(exp: Date(timeIntervalSinceNow: -1)), key, name: "k1"))
        refused.append(try await Self.sign(Said(sub: ""), key, name: "k1"))
        refused.append(try await Self.sign(Said(), key, name: nil))
        refused.append(try await Self.sign(Said(), key, name: "k2"))
        refused.append(try await Self.sign(Said(), try EdDSA.PrivateKey(curve: .ed25519), name: "k1"))
        for token in refused { #expect(await outside.verify(token) == nil) }
        #expect(loads.withLock { $0 } == 1, "a key that is not known does not make us ask again and again")
    }

    /// The oldest trick: the public key, which everybody has, as the secret of HS256.
    @Test func aPublicKeyIsNoSecret() async throws {
        let key = try EdDSA.PrivateKey(curve: .ed25519)
        let outside = OutsideTokens(
            IdentityProvider(issuer: "https://id.example", audience: "egiz") { Self.keySet(key, name: "k1") },
            logger: TestAPI.quiet)
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: Array(key.publicKey.rawRepresentation)), digestAlgorithm: .sha256, kid: "k1")
        #expect(await outside.verify(try await keys.sign(Said(), kid: "k1")) == nil)
    }

    @Test func aProviderThatIsAwayLetsNobodyIn() async throws {
        let key = try EdDSA.PrivateKey(curve: .ed25519)
        let outside = OutsideTokens(
            IdentityProvider(issuer: "https://id.example", audience: "egiz") {
                throw EngineError(.config, .backoff, "away")
            }, logger: TestAPI.quiet)
        #expect(await outside.verify(try await Self.sign(Said(), key, name: "k1")) == nil)
    }
}
