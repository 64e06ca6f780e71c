/// What an aggregate needs to know of a segment of numbers that lies wholly in its interval.
struct SegmentStatistics: Equatable {
    var minimum: Double
    var maximum: Double
    var total: Double
    var first: Double
    var last: Double
    /// Of a value that holds until the next sample, from the first time to the last; in value times seconds.
    var integral: Double

    /// Nil without numbers.
    init?(_ numbers: [Double], at times: [Int64]) {
        guard let first = numbers.first, let last = numbers.last, numbers.count == times.count else { return nil }
        (self.first, self.last) = (first, last)
        (minimum, maximum, total, integral) = (first, first, 0, 0)
        for index in numbers.indices {
            let number = numbers[index]
            minimum = min(minimum, number)
            maximum = max(maximum, number)
            total += number
            if index > 0 { integral += numbers[index - 1] * Double(times[index] - times[index - 1]) / 1_000_000 }
        }
    }

    init(minimum: Double, maximum: Double, total: Double, first: Double, last: Double, integral: Double) {
        (self.minimum, self.maximum, self.total) = (minimum, maximum, total)
        (self.first, self.last, self.integral) = (first, last, integral)
    }
}
