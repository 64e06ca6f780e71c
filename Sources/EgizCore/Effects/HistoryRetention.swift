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
