import HTTPTypes

/// The name of one request in logs, problem documents and the answer's `X-Request-ID`.
enum RequestID {
    private static let longest = 128

    /// What the client sent, where it is harmless in a log line; else a new one of 128 random bits.
    static func of(_ headers: HTTPFields) -> String {
        if let sent = headers[.requestID], isUsable(sent) { return sent }
        return make()
    }

    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        let (high, low) = (random.next(), random.next())
        return hex(high) + hex(low)
    }

    /// 1 to 128 letters, digits, `.`, `_`, `-`: nothing that ends a line, a quote or a metric's label.
    static func isUsable(_ text: String) -> Bool {
        (1...longest).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
