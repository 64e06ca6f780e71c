public import EgizCore

/// The key that signs access tokens. Never printed.
public struct TokenSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// HMAC with SHA-256 wants a key as long as its digest.
    public static let shortest = 32
    private static let fewestDifferent = 10
    /// What documentation and examples put there.
    private static let defaults = [
        "changeme", "change-me", "change_me", "secret", "example", "password", "default", "egiz",
    ]

    let bytes: [UInt8]

    /// Errors: `.config`/`.stop` for a secret that is short, or that anybody would try: it says how to make one.
    public init(_ text: String) throws(EngineError) {
        if let fault = Self.fault(of: text) {
            throw EngineError(
                .config, .stop,
                "EGIZ_JWT_SECRET \(fault); make one with `openssl rand -base64 48`, and keep it in a file that EGIZ_JWT_SECRET_FILE names"
            )
        }
        bytes = Array(text.utf8)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// 48 random bytes.
    static func random() -> TokenSecret { TokenSecret(bytes: SecureRandom.bytes(48)) }

    /// A new secret as text, to be kept in a file.
    public static func randomText() -> String { Base64URL.encode(SecureRandom.bytes(48)) }

    static func fault(of text: String) -> String? {
        guard text.utf8.count >= shortest else {
            return "has \(text.utf8.count) bytes; it needs \(shortest) at least"
        }
        // A default that was made longer by repeating or padding it has few different characters, or begins with the word.
        if Set(text.utf8).count < fewestDifferent { return "repeats a few characters" }
        let small = text.lowercased()
        if defaults.contains(where: { small.hasPrefix($0) }) { return "begins like a placeholder" }
        return nil
    }

    public var description: String { "(secret)" }
    public var debugDescription: String { "(secret)" }
}
