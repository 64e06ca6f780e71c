/// A Ditto timestamp: an instant to the nanosecond.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    public let seconds: Int64
    /// 0 to 999,999,999.
    public let nanoseconds: Int32

    init(seconds: Int64, nanoseconds: Int32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public init(_ time: EventTime) {
        let (quotient, remainder) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        seconds = remainder < 0 ? quotient - 1 : quotient
        nanoseconds = Int32(remainder < 0 ? remainder + 1_000_000 : remainder) * 1000
    }

    /// Rounded down to the microsecond; what Int64 cannot hold becomes its nearest bound.
    public var eventTime: EventTime {
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return EventTime(microseconds: seconds < 0 ? .min : .max) }
        let (sum, sumOverflow) = scaled.addingReportingOverflow(Int64(nanoseconds / 1000))
        return EventTime(microseconds: sumOverflow ? .max : sum)
    }

    /// UTC with `Z` and the shortest of 0, 3, 6 or 9 digits that loses nothing.
    public var canonicalText: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        write(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the canonical text.
    func write(into bytes: inout [UInt8]) {
        let day = Calendar.floorDivide(seconds, 86_400)
        let second = seconds - day * 86_400
        let (year, month, dayOfMonth) = Calendar.date(days: day)
        if year < 0 { bytes.append(UInt8(ascii: "-")) } else if year > 9999 { bytes.append(UInt8(ascii: "+")) }
        Self.append(abs(year), 4, &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(month, 2, &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(dayOfMonth, 2, &bytes)
        bytes.append(UInt8(ascii: "T"))
        Self.append(second / 3600, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(second / 60 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(second % 60, 2, &bytes)
        let nanos = Int64(nanoseconds)
        if nanos != 0 {
            bytes.append(UInt8(ascii: "."))
            if nanos % 1_000_000 == 0 {
                Self.append(nanos / 1_000_000, 3, &bytes)
            } else if nanos % 1000 == 0 {
                Self.append(nanos / 1000, 6, &bytes)
            } else {
                Self.append(nanos, 9, &bytes)
            }
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    private static func append(_ value: Int64, _ width: Int, _ bytes: inout [UInt8]) {
        if width == 2, value < 100 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 10))
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
            return
        }
        var digits = 1
        var power: Int64 = 10
        while value >= power {
            digits += 1
            power *= 10
        }
        for _ in 0..<max(0, width - digits) { bytes.append(UInt8(ascii: "0")) }
        for _ in 0..<digits {
            power /= 10
            bytes.append(UInt8(ascii: "0") + UInt8(value / power % 10))
        }
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}
