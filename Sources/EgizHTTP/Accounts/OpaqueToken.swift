import EgizCore

/// A secret that is only looked up: a refresh token, an invitation, an API key. 192 random bits; what is stored is its SHA-256, which
/// needs no stretching, because nobody guesses it.
///
/// The text ends in a checksum, so that what is mistyped or made up is refused without asking the database.
struct OpaqueToken: Sendable {
    enum Kind: String, Sendable {
        case apiKey = "egiz_"
        case refresh = "egizr_"
        case invitation = "egizi_"
    }

    private static let randomBytes = 24
    private static let checksumBytes = 4
    private static let shown = 11

    /// To be given away once and never stored or logged.
    let text: String
    let hash: [UInt8]

    /// A new one.
    init(_ kind: Kind) {
        let random = SecureRandom.bytes(Self.randomBytes)
        text = kind.rawValue + Base64URL.encode(random + Self.checksum(kind, random))
        hash = SHA256.hash(Array(text.utf8))
    }

    /// Nil where the text is no token of this kind.
    init?(_ kind: Kind, parsing text: String) {
        guard text.hasPrefix(kind.rawValue), text.utf8.count <= 64,
            let bytes = Base64URL.decode(String(text.dropFirst(kind.rawValue.count))),
            bytes.count == Self.randomBytes + Self.checksumBytes,
            Self.checksum(kind, Array(bytes.prefix(Self.randomBytes))) == Array(bytes.suffix(Self.checksumBytes))
        else { return nil }
        self.text = text
        hash = SHA256.hash(Array(text.utf8))
    }

    /// The first characters, to tell keys apart in a list.
    var prefix: String { String(text.prefix(Self.shown)) }

    private static func checksum(_ kind: Kind, _ random: [UInt8]) -> [UInt8] {
        var crc = CRC32()
        (Array(kind.rawValue.utf8) + random).withUnsafeBytes { crc.update($0) }
        return stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: crc.value >> UInt32($0)) }
    }
}
