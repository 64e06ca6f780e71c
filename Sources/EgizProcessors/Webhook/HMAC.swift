import EgizCore

/// HMAC-SHA256 (RFC 2104): who knows the secret can tell that a message is whole and from somebody who knows it too.
enum HMAC {
    static func sha256(_ message: [UInt8], secret: [UInt8]) -> [UInt8] {
        var key = secret.count > SHA256.blockBytes ? SHA256.hash(secret) : secret
        key.append(contentsOf: repeatElement(0, count: SHA256.blockBytes - key.count))
        let inner = SHA256.hash(key.map { $0 ^ 0x36 } + message)
        return SHA256.hash(key.map { $0 ^ 0x5C } + inner)
    }
}
