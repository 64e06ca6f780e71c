import EgizTwin

/// Times as the API takes them; it gives them as `EventTime.text`.
enum TimeText {
    /// RFC 3339 (`2026-01-01T00:00:00Z`, any offset) or milliseconds since 1970; nil where the text is neither.
    static func parse(_ text: String) -> EventTime? {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        if !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            guard let milliseconds = Int64(text) else { return nil }
            let (microseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
            return overflow ? nil : EventTime(microseconds: microseconds)
        }
        return (try? Timestamp(parsing: text))?.eventTime
    }
}

extension Int64 {
    /// Division that rounds towards negative infinity; the divisor must be positive.
    func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
