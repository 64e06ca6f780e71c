/// Lengths of history intervals: `250ms`, `10s`, `1m`, `6h`, `1d`, `1w`, or ISO 8601 `PT1M`, `PT1H30M`, `P1D`.
enum IntervalText {
    private static let units: [(name: String, microseconds: Int64)] = [
        ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000),
        ("w", 604_800_000_000),
    ]

    /// The length in microseconds, greater than zero; nil where the text is none.
    static func microseconds(_ text: String) -> Int64? {
        let length = text.utf8.first == UInt8(ascii: "P") ? iso8601(text.utf8.dropFirst()) : short(text)
        return length.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func short(_ text: String) -> Int64? {
        let digits = text.utf8.prefix(while: isDigit)
        guard let number = Int64(Substring(digits)) else { return nil }
        let name = text.utf8.dropFirst(digits.count)
        guard let unit = units.first(where: { name.elementsEqual($0.name.utf8) }) else { return nil }
        return product(number, unit.microseconds)
    }

    /// Weeks, days, and after the T hours, minutes and seconds. Years and months have no fixed length and are refused.
    private static func iso8601(_ text: Substring.UTF8View) -> Int64? {
        var rest = text
        var allowed: [(letter: UInt8, microseconds: Int64)] = [
            (UInt8(ascii: "W"), 604_800_000_000), (UInt8(ascii: "D"), 86_400_000_000),
        ]
        var inTime = false
        var total: Int64 = 0
        var parts = 0
        while let first = rest.first {
            if first == UInt8(ascii: "T") {
                guard !inTime else { return nil }
                inTime = true
                parts = 0
                allowed = [
                    (UInt8(ascii: "H"), 3_600_000_000), (UInt8(ascii: "M"), 60_000_000), (UInt8(ascii: "S"), 1_000_000),
                ]
                rest.removeFirst()
                continue
            }
            let digits = rest.prefix(while: isDigit)
            guard let number = Int64(Substring(digits)) else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let letter = rest.popFirst(), let index = allowed.firstIndex(where: { $0.letter == letter }),
                let part = product(number, allowed[index].microseconds)
            else { return nil }
            allowed.removeSubrange(...index)
            let (sum, overflow) = total.addingReportingOverflow(part)
            if overflow { return nil }
            total = sum
            parts += 1
        }
        return parts > 0 ? total : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func product(_ a: Int64, _ b: Int64) -> Int64? {
        let (result, overflow) = a.multipliedReportingOverflow(by: b)
        return overflow ? nil : result
    }

    /// The shortest text of a length, rounded up to a unit people use; for hints.
    static func hint(atLeast microseconds: Int64) -> String {
        let steps: [(String, Int64)] = [
            ("10ms", 10_000), ("100ms", 100_000), ("1s", 1_000_000), ("10s", 10_000_000), ("1m", 60_000_000),
            ("5m", 300_000_000), ("15m", 900_000_000), ("1h", 3_600_000_000), ("6h", 21_600_000_000),
            ("1d", 86_400_000_000), ("1w", 604_800_000_000),
        ]
        return steps.first { $0.1 >= microseconds }?.0 ?? "30d"
    }
}
