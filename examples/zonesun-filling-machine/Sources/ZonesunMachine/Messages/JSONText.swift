/// JSON written by hand into one buffer that is used again for each record.
struct JSONText: Sendable {
    private(set) var bytes: [UInt8] = []
    private var timestamps = TimestampText()

    init() { bytes.reserveCapacity(1024) }

    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// Appends text that is JSON already.
    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func raw(_ text: [UInt8]) { bytes.append(contentsOf: text) }

    mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    mutating func int(_ value: Int64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value.magnitude
            var start = digits.count
            repeat {
                start -= 1
                digits[start] = UInt8(48 + rest % 10)
                rest /= 10
            } while rest > 0
            if value < 0 { bytes.append(UInt8(ascii: "-")) }
            bytes.append(contentsOf: digits[start...])
        }
    }

    /// Appends `value` rounded to `decimals` digits (0 ... 6), without trailing zeros but with one digit after the point.
    ///
    /// Values are those of sensors: finite and below 10¹². Anything else becomes 0.
    mutating func number(_ value: Double, decimals: Int) {
        let scale = Self.powers[decimals]
        guard value.magnitude < 1e12 else { return raw("0.0") }
        let scaled = Int64((value * Double(scale)).rounded())
        if scaled < 0 { bytes.append(UInt8(ascii: "-")) }
        let whole = scaled.magnitude / UInt64(scale)
        var fraction = scaled.magnitude % UInt64(scale)
        int(Int64(whole))
        bytes.append(UInt8(ascii: "."))
        guard fraction > 0 else { return bytes.append(UInt8(ascii: "0")) }
        var place = UInt64(scale) / 10
        while fraction > 0 {
            bytes.append(UInt8(48 + fraction / place))
            fraction %= place
            place /= 10
        }
    }

    private static let powers: [Int64] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

    /// Appends a JSON string.
    mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): raw("\\\"")
            case UInt8(ascii: "\\"): raw("\\\\")
            case 0..<0x20:
                raw("\\u00")
                bytes.append(Self.hex[Int(byte >> 4)])
                bytes.append(Self.hex[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let hex = Array("0123456789abcdef".utf8)

    /// Appends a time as a JSON string; `microseconds` since 1970 UTC.
    mutating func timestamp(_ microseconds: Int64) {
        bytes.append(UInt8(ascii: "\""))
        timestamps.append(microseconds, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }
}
