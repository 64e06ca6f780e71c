/// RFC 3339 text of an instant in UTC, as Ditto writes it: a fraction of 0, 3 or 6 digits, the shortest that loses nothing.
public struct TimestampText: Sendable {
    /// The text of the second written last: most events share it with their neighbours.
    private var second = Int64.min
    private var prefix: [UInt8] = []

    public init() {}

    /// Appends the text of `microseconds` since 1970 to `bytes`. Years 0 to 9999.
    public mutating func append(_ microseconds: Int64, to bytes: inout [UInt8]) {
        let (seconds, fraction) = Self.floorDivide(microseconds, 1_000_000)
        if seconds != second {
            prefix = Self.text(ofSecond: seconds)
            second = seconds
        }
        bytes.append(contentsOf: prefix)
        if fraction % 1000 != 0 {
            bytes.append(UInt8(ascii: "."))
            Self.digits(fraction, count: 6, to: &bytes)
        } else if fraction != 0 {
            bytes.append(UInt8(ascii: "."))
            Self.digits(fraction / 1000, count: 3, to: &bytes)
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    private static func text(ofSecond seconds: Int64) -> [UInt8] {
        let (days, inDay) = floorDivide(seconds, 86_400)
        let (year, month, day) = civil(days: days)
        var text: [UInt8] = []
        digits(year, count: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        digits(month, count: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        digits(day, count: 2, to: &text)
        text.append(UInt8(ascii: "T"))
        digits(inDay / 3600, count: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        digits(inDay / 60 % 60, count: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        digits(inDay % 60, count: 2, to: &text)
        return text
    }

    /// The Gregorian date of a day counted from 1970 (Hinnant, "chrono-compatible low-level date algorithms").
    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let (era, dayOfEra) = floorDivide(shifted, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: by)
        return remainder < 0 ? (quotient - 1, remainder + by) : (quotient, remainder)
    }

    private static func digits(_ value: Int64, count: Int, to bytes: inout [UInt8]) {
        var place: Int64 = 1
        for _ in 1..<count { place *= 10 }
        while place > 0 {
            bytes.append(UInt8(48 + value / place % 10))
            place /= 10
        }
    }
}
