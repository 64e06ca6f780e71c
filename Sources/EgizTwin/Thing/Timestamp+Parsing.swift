extension Timestamp {
    /// - Throws: if the text is no ISO 8601 instant with seconds and `Z` or an offset `±hh:mm`.
    public init(parsing text: String) throws(TimestampError) {
        let parsed =
            text.utf8.withContiguousStorageIfAvailable { Timestamp(bytes: UnsafeRawBufferPointer($0)) }
            ?? Array(text.utf8).withUnsafeBytes { Timestamp(bytes: $0) }
        guard let parsed else {
            throw TimestampError(
                message: "\"\(text)\" is no instant; write 2026-03-02T06:00:42.120Z or an offset such as +01:00 for Z")
        }
        self = parsed
    }

    /// Nil where the bytes are no instant. As Java's `Instant` does it: years beyond 9999 need a sign, 24:00:00 is the next
    /// day, 23:59:60 is a leap second and reads as :59.
    init?(bytes: UnsafeRawBufferPointer) {
        var scanner = Scanner(bytes: bytes)
        guard let year = scanner.year(), scanner.skip("-"), let month = scanner.pair(), scanner.skip("-"),
            let day = scanner.pair(), (1...12).contains(month), day >= 1,
            day <= 28 || day <= Calendar.days(in: month, of: year), scanner.skip("T", or: "t"),
            let hour = scanner.pair(), scanner.skip(":"), let minute = scanner.pair(), scanner.skip(":"),
            let second = scanner.pair(), hour <= 24, minute <= 59, second <= 60
        else { return nil }
        var nanos: Int64 = 0
        if scanner.skip(".") {
            guard let fraction = scanner.fraction() else { return nil }
            nanos = fraction
        }
        guard let offset = scanner.offset(), scanner.isAtEnd else { return nil }
        if hour == 24, minute != 0 || second != 0 || nanos != 0 { return nil }
        var kept = second
        if second == 60 {
            guard hour == 23, minute == 59 else { return nil }
            kept = 59
        }
        let days = Calendar.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + kept - offset
        self.init(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: nanos))
    }

    private struct Scanner {
        let bytes: UnsafeRawBufferPointer
        var at = 0

        init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        var isAtEnd: Bool { at == bytes.count }

        @inline(__always)
        mutating func skip(_ byte: Unicode.Scalar, or other: Unicode.Scalar? = nil) -> Bool {
            guard at < bytes.count else { return false }
            guard bytes[at] == UInt8(ascii: byte) || (other.map { bytes[at] == UInt8(ascii: $0) } ?? false) else {
                return false
            }
            at += 1
            return true
        }

        @inline(__always)
        mutating func digit() -> Int64? {
            guard at < bytes.count else { return nil }
            let value = bytes[at] &- UInt8(ascii: "0")
            guard value <= 9 else { return nil }
            at += 1
            return Int64(value)
        }

        @inline(__always)
        mutating func pair() -> Int64? {
            guard let tens = digit(), let ones = digit() else { return nil }
            return tens * 10 + ones
        }

        /// Four digits, or a sign and four to nine of them; a plus sign only with more than four.
        mutating func year() -> Int64? {
            let isNegative = skip("-")
            let isPositive = !isNegative && skip("+")
            let start = at
            var year: Int64 = 0
            while at - start < 9, let digit = digit() { year = year * 10 + digit }
            let count = at - start
            if isNegative { return count >= 4 && year != 0 ? -year : nil }
            return isPositive ? (count > 4 ? year : nil) : (count == 4 ? year : nil)
        }

        /// One to nine digits, in nanoseconds.
        mutating func fraction() -> Int64? {
            let start = at
            var value: Int64 = 0
            while at - start < 9, let digit = digit() { value = value * 10 + digit }
            guard at > start else { return nil }
            for _ in (at - start)..<9 { value *= 10 }
            return value
        }

        /// Seconds east of UTC, at most 18 hours.
        mutating func offset() -> Int64? {
            if skip("Z", or: "z") { return 0 }
            let isWest = skip("-")
            guard isWest || skip("+"), let hours = pair(), skip(":"), let minutes = pair(), minutes <= 59 else {
                return nil
            }
            let seconds = hours * 3600 + minutes * 60
            guard seconds <= 18 * 3600 else { return nil }
            return isWest ? -seconds : seconds
        }
    }
}
