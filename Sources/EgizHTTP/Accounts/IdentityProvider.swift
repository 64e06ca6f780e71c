/// An outside identity provider: whoever has a token of it that is meant for us may sign in with that token.
public struct IdentityProvider: Sendable {
    /// The claim `iss` of its tokens, letter by letter.
    public var issuer: String
    /// What the claim `aud` must include.
    public var audience: String
    /// Gives its present keys as the text of a JWKS (RFC 7517): reads a file, or asks a URL. Called at most every 30 s.
    public var loadKeys: @Sendable () async throws -> String

    public init(issuer: String, audience: String, loadKeys: @escaping @Sendable () async throws -> String) {
        self.issuer = issuer
        self.audience = audience
        self.loadKeys = loadKeys
    }
}
