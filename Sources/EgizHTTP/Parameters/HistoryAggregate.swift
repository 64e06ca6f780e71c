import EgizPostgres

/// What history computes of the numbers of an interval.
enum HistoryAggregate: String, CaseIterable {
    case min, max, avg, sum, count, first, last
    /// The average over time, where each number holds until the next sample.
    case twa

    static let names = allCases.map(\.rawValue)

    /// What the query must compute for it.
    var needs: HistoryQueries.Aggregates {
        switch self {
        case .min, .max: .extremes
        case .avg, .sum: .sum
        case .count: []
        case .first, .last: .ends
        case .twa: .timeAverage
        }
    }

    func write(_ bucket: HistoryBucket, into out: inout JSONOutput) {
        out.key(rawValue)
        if self == .count {
            out.integer(bucket.count)
        } else if let value = value(of: bucket) {
            out.number(value)
        } else {
            out.null()
        }
    }

    func text(of bucket: HistoryBucket) -> String? {
        self == .count ? "\(bucket.count)" : value(of: bucket).map(NumberText.text)
    }

    /// Nil where the interval holds no number.
    private func value(of bucket: HistoryBucket) -> Double? {
        switch self {
        case .min: bucket.min
        case .max: bucket.max
        case .avg: bucket.count == 0 ? nil : bucket.sum.map { $0 / Double(bucket.count) }
        case .sum: bucket.sum
        case .count: Double(bucket.count)
        case .first: bucket.first
        case .last: bucket.last
        case .twa: bucket.timeAverage
        }
    }
}
