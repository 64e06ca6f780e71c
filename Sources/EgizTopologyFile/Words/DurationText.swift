/// Durations as topology files write them: `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"90d"`.
public enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// The duration in milliseconds; nil where the text is none, or longer than fits 64 bits.
    public static func milliseconds(_ text: String) -> Int64? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty, let number = Int64(Substring(digits)) else { return nil }
        let rest = text.utf8.dropFirst(digits.count)
        guard let unit = units.first(where: { rest.elementsEqual($0.name.utf8) }) else { return nil }
        let (result, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
        return overflow ? nil : result
    }

    /// The shortest text with a whole number: 90000 ms are `90s`, 120000 ms are `2m`.
    public static func text(milliseconds: Int64) -> String {
        guard milliseconds != 0 else { return "0s" }
        for unit in units.reversed() where milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }

    /// As above, rounded down to milliseconds.
    public static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return text(milliseconds: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
