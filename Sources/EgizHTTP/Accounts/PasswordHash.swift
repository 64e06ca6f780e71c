import Crypto
import CryptoExtras
import Foundation

/// A password as it is stored: `$scrypt$ln=15,r=8,p=3$<salt>$<key>`, both in base64url. Slow on purpose; not on an event loop.
struct PasswordHash: Sendable {
    private static let saltBytes = 16
    private static let keyBytes = 32

    let cost: PasswordCost
    private let salt: [UInt8]
    private let key: [UInt8]

    /// Hashes a password with a salt of its own.
    init(of password: String, cost: PasswordCost) throws {
        self.cost = cost
        salt = SecureRandom.bytes(Self.saltBytes)
        key = try Self.derive(password, salt, cost)
    }

    /// Nil where the text is no such hash.
    init?(parsing text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        let numbers = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard numbers.count == 3, let logN = Self.number(numbers[0], "ln="), let size = Self.number(numbers[1], "r="),
            let parallelism = Self.number(numbers[2], "p="),
            let cost = PasswordCost(logN: logN, blockSize: size, parallelism: parallelism),
            let salt = Base64URL.decode(String(parts[3])), let key = Base64URL.decode(String(parts[4])),
            salt.count == Self.saltBytes, key.count == Self.keyBytes
        else { return nil }
        self.cost = cost
        self.salt = salt
        self.key = key
    }

    private static func number(_ text: Substring, _ name: String) -> Int? {
        text.hasPrefix(name) ? Int(text.dropFirst(name.count)) : nil
    }

    var text: String {
        "$scrypt$ln=\(cost.logN),r=\(cost.blockSize),p=\(cost.parallelism)$\(Base64URL.encode(salt))$\(Base64URL.encode(key))"
    }

    /// Compares in the same time whatever the difference is.
    func matches(_ password: String) throws -> Bool {
        let other = try Self.derive(password, salt, cost)
        var difference: UInt8 = 0
        for (a, b) in zip(key, other) { difference |= a ^ b }
        return difference == 0
    }

    /// Whether a check that cost `spent` (nil: there was nothing to check) was less work than one of `cost`: who measures the time would
    /// learn that there is no account, or that its password was made by a machine. Then the difference is spent, too.
    static func needsMore(than spent: PasswordCost?, toCost cost: PasswordCost) -> Bool {
        guard let spent else { return true }
        return spent.work < cost.work
    }

    static func derive(_ password: String, _ salt: [UInt8], _ cost: PasswordCost) throws -> [UInt8] {
        // One Unicode text, one password, however the keyboard composes it.
        var bytes = Array(password.precomposedStringWithCanonicalMapping.utf8)
        // The library takes the address of the first byte.
        if bytes.isEmpty { bytes = [0] }
        let key = try KDF.Scrypt.deriveKey(
            from: bytes, salt: salt, outputByteCount: keyBytes, rounds: 1 << cost.logN, blockSize: cost.blockSize,
            parallelism: cost.parallelism)
        return key.withUnsafeBytes { Array($0) }
    }
}
