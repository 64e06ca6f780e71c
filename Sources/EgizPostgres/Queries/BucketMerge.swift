import EgizTwin

/// Puts the intervals of several series together. Pure.
struct BucketMerge {
    private var buckets: [Int64: HistoryBucket] = [:]

    mutating func add(_ others: [HistoryBucket]) {
        for other in others {
            let key = other.start.microseconds
            guard var bucket = buckets[key] else {
                buckets[key] = HistoryBucket(
                    start: other.start, count: other.count, skipped: other.skipped, min: other.min, max: other.max,
                    sum: other.sum)
                continue
            }
            bucket.count += other.count
            bucket.skipped += other.skipped
            bucket.min = Self.both(bucket.min, other.min) { Swift.min($0, $1) }
            bucket.max = Self.both(bucket.max, other.max) { Swift.max($0, $1) }
            bucket.sum = Self.both(bucket.sum, other.sum) { $0 + $1 }
            buckets[key] = bucket
        }
    }

    private static func both(_ a: Double?, _ b: Double?, _ combine: (Double, Double) -> Double) -> Double? {
        guard let a else { return b }
        return b.map { combine(a, $0) } ?? a
    }

    /// Ascending in time.
    var sorted: [HistoryBucket] { buckets.values.sorted { $0.start < $1.start } }
}
