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

    /// The library looks at the key alone: a signature of ours under a head that names another algorithm would do for it.
    @Test func aRightSignatureUnderAnotherAlgorithmIsNone() async throws {
        let (user, session) = (try #require(user), try #require(session))
        let tokens = try tokens()
        let payload = try await tokens.sign(user: user, session: session, lifetime: 60).split(separator: ".")[1]
        func signed(_ algorithm: String) -> String {
            let text = Self.base64(#"{"alg":"\#(algorithm)","typ":"JWT"}"#) + ".\(payload)"
            let code = Crypto.HMAC<Crypto.SHA256>.authenticationCode(
                for: Data(text.utf8), using: SymmetricKey(data: Data(TestPeople.secret.utf8)))
            return text + "." + Base64URL.encode(Array(code))
        }
        #expect(await tokens.verify(signed("HS256"))?.user == user, "so the signature is right")
        for algorithm in ["none", "HS384", "RS256", "hs256"] { #expect(await tokens.verify(signed(algorithm)) == nil) }
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

    private static func keySet(_ key: EdDSA.PrivateKey, name: String, use: String = "sig") -> String {
        let x = Base64URL.encode(Array(key.publicKey.rawRepresentation))
        return #"""
            {"keys":[{"kty":"oct","kid":"odd","k":"AAAA"},
            {"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"\#(use)","kid":"\#(name)","x":"\#(x)"}]}
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

    /// As above, for the provider: its signature under a head that names an algorithm that is none of theirs.
    @Test func aRightSignatureOfTheProviderUnderAnotherAlgorithmIsNone() async throws {
        let key = Curve25519.Signing.PrivateKey()
        let x = Base64URL.encode(Array(key.publicKey.rawRepresentation))
        let outside = OutsideTokens(
            IdentityProvider(issuer: "https://id.example", audience: "egiz") {
                #"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","x":"\#(x)"}]}"#
            }, logger: TestAPI.quiet)
        func signed(_ algorithm: String) throws -> String {
            let exp = Int(Date(timeIntervalSinceNow: 60).timeIntervalSince1970)
            let text =
                Self.base64(#"{"alg":"\#(algorithm)","kid":"k1"}"#) + "."
                + Self.base64(#"{"iss":"https://id.example","sub":"maria","aud":"egiz","exp":\#(exp)}"#)
            return text + "." + Base64URL.encode(Array(try key.signature(for: Data(text.utf8))))
        }
        #expect(await outside.verify(try signed("EdDSA"))?.sub == "maria")
        for algorithm in ["none", "HS256"] { #expect(await outside.verify(try signed(algorithm)) == nil) }
    }

    /// Keys go on for a day where the provider is away: it may have withdrawn one since.
    @Test func keysThatNobodyHasConfirmedForADayAreTakenNoLonger() async throws {
        let key = try EdDSA.PrivateKey(curve: .ed25519)
        let start = ContinuousClock.now
        let passed = Mutex(Duration.zero)
        let loads = Mutex(0)
        let outside = OutsideTokens(
            IdentityProvider(issuer: "https://id.example", audience: "egiz") {
                let isFirst = loads.withLock { loads -> Bool in
                    loads += 1
                    return loads == 1
                }
                guard isFirst else { throw EngineError(.config, .backoff, "away") }
                return Self.keySet(key, name: "k1")
            }, logger: TestAPI.quiet, now: { start + passed.withLock { $0 } })
        let token = try await Self.sign(Said(), key, name: "k1")
        #expect(await outside.verify(token) != nil)
        passed.withLock { $0 = OutsideTokens.longest - .seconds(1) }
        #expect(await outside.verify(token) != nil && loads.withLock { $0 } == 2)
        passed.withLock { $0 = OutsideTokens.longest }
        #expect(await outside.verify(token) == nil)
    }

    @Test func aKeyForEncryptionSignsNothing() async throws {
        let key = try EdDSA.PrivateKey(curve: .ed25519)
        let outside = OutsideTokens(
            IdentityProvider(issuer: "https://id.example", audience: "egiz") {
                Self.keySet(key, name: "k1", use: "enc")
            }, logger: TestAPI.quiet)
        #expect(await outside.verify(try await Self.sign(Said(), key, name: "k1")) == nil)
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
