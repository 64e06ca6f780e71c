/// The intervals of `history_segment`: seven days, counted from 1970-01-01 as TimescaleDB counts its chunks. Segments never cross
/// one, and never span more than a day (rule 24).
enum HistoryInterval {
    static let day: Int64 = 86_400_000_000
    static let length: Int64 = 7 * day

    /// The number of the interval that holds that time (microseconds since 1970).
    static func number(of time: Int64) -> Int64 { floorDivide(time, length) }

    static func start(of number: Int64) -> Int64 { number * length }

    /// `history_segment_20260115`, by the day the interval begins.
    static func tableName(of number: Int64) -> String {
        "history_segment_\(day(of: start(of: number)))"
    }

    /// `20260115`: the day that holds that time.
    static func day(of time: Int64) -> String {
        let (year, month, day) = civil(days: floorDivide(time, Self.day))
        return "\(padded(year, 4))\(padded(month, 2))\(padded(day, 2))"
    }

    /// A time as SQL, whatever the session's time zone; whole seconds.
    static func bound(_ microseconds: Int64) -> String {
        "'epoch'::timestamptz + interval '\(microseconds / 1_000_000) seconds'"
    }

    /// How far a segment may reach that begins at `first`: its last time is below this.
    static func limit(of first: Int64) -> Int64 {
        min(start(of: number(of: first) + 1), first + day)
    }

    private static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
        let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
        return remainder < 0 ? quotient - 1 : quotient
    }

    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    private static func civil(days: Int64) -> (Int64, Int64, Int64) {
        let z = days + 719_468
        let era = floorDivide(z, 146_097)
        let doe = z - era * 146_097
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return (yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
