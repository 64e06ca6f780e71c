import EgizTwin

/// For how many days the samples of a stage are kept, by path: what its history-writers say.
public struct HistoryRetention: Sendable {
    public struct Rule: Sendable {
        public var include: [PathPattern]
        public var exclude: [PathPattern]
        /// 0 keeps for ever.
        public var days: Int32

        public init(include: [PathPattern], exclude: [PathPattern], days: Int32) {
            self.include = include
            self.exclude = exclude
            self.days = days
        }
    }

    private let rules: [Rule]

    public init(_ rules: [Rule] = []) { self.rules = rules }

    /// How long the partitions are that samples of so many days are kept in, in microseconds, counted from 1970-01-01T00:00Z: a week,
    /// and a day in classes of up to a month, so that what is past its retention does not stay for another week.
    public static func partition(ofDays days: Int32) -> Int64 {
        let day: Int64 = 86_400_000_000
        return days == 0 || days > 31 ? 7 * day : day
    }

    /// Some samples are not kept for ever.
    public var isLimited: Bool { rules.contains { $0.days > 0 } }

    /// Of the first writer that records the path, as series have it; 0 where none does.
    public func days(of path: String) -> Int32 {
        guard isLimited, let segments = try? JSONPointer(parsing: path).segments else { return 0 }
        let rule = rules.first { rule in
            rule.include.contains { $0.matches(segments) } && !rule.exclude.contains { $0.matches(segments) }
        }
        return rule?.days ?? 0
    }
}
