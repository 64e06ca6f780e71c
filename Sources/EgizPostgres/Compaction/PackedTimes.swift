/// Strictly ascending times in the smallest of three forms: evenly spaced (nothing a sample), nearly so (two or four bytes), or as
/// they are. Sample i lies at `first + i * step + lag * unit`.
struct PackedTimes: Equatable {
    enum Lags: Equatable {
        case none
        case small([Int16])
        case wide([Int32])
        /// The times themselves, in microseconds since 1970.
        case explicit([Int64])
    }

    var first: Int64
    var count: Int
    /// Microseconds; 0 with explicit times.
    var step: Int64
    /// Microseconds of one lag.
    var unit: Int32
    var lags: Lags

    init(first: Int64, count: Int, step: Int64, unit: Int32, lags: Lags) {
        (self.first, self.count, self.step, self.unit, self.lags) = (first, count, step, unit, lags)
    }

    /// - Precondition: the times ascend strictly, at least one of them, and span less than 2^52 microseconds.
    init(_ times: [Int64]) {
        first = times[0]
        count = times.count
        unit = 1
        lags = .none
        step = 0
        guard count > 1 else { return }
        let span = times[count - 1] - first
        step = span / Int64(count - 1)
        if step * Int64(count - 1) == span, times.indices.allSatisfy({ times[$0] == first + Int64($0) * step }) {
            return
        }
        let common = Self.common(times)
        unit = Self.unit(of: common)
        let units = Int64(unit)
        step = Int64((Double(span) / Double(count - 1) / Double(units)).rounded()) * units
        var least: Int64 = 0
        var most: Int64 = 0
        for index in times.indices {
            let lag = (times[index] - first - Int64(index) * step) / units
            (least, most) = (min(least, lag), max(most, lag))
        }
        let values = times.indices.lazy.map { [first, step] in (times[$0] - first - Int64($0) * step) / units }
        if least >= Int64(Int16.min), most <= Int64(Int16.max) {
            lags = .small(values.map { Int16($0) })
        } else if least >= Int64(Int32.min), most <= Int64(Int32.max) {
            lags = .wide(values.map { Int32($0) })
        } else {
            (step, unit, lags) = (0, 1, .explicit(times))
        }
    }

    var times: [Int64] {
        let units = Int64(unit)
        switch lags {
        case .none: return (0..<count).map { first &+ Int64($0) &* step }
        case .small(let lags): return lags.indices.map { first &+ Int64($0) &* step &+ Int64(lags[$0]) &* units }
        case .wide(let lags): return lags.indices.map { first &+ Int64($0) &* step &+ Int64(lags[$0]) &* units }
        case .explicit(let times): return times
        }
    }

    /// The largest number of microseconds that divides all distances from the first time.
    private static func common(_ times: [Int64]) -> Int64 {
        var common: Int64 = 0
        for time in times.dropFirst() {
            var (a, b) = (common, time - times[0])
            while b != 0 { (a, b) = (b, a % b) }
            common = a
            if common == 1 { break }
        }
        return max(common, 1)
    }

    private static func unit(of common: Int64) -> Int32 {
        if let unit = Int32(exactly: common) { return unit }
        return common % 1_000_000 == 0 ? 1_000_000 : common % 1000 == 0 ? 1000 : 1
    }
}
