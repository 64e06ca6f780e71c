/// What the tests of one topology reached.
public struct Coverage: Sendable {
    /// Something that can happen in a topology.
    public struct Branch: Sendable {
        public let name: String
        public let isReached: Bool
    }

    /// A source or a processor.
    public struct Item: Sendable {
        public let name: String
        /// `source`, or the processor's kind.
        public let kind: String
        /// What was counted, for people.
        public let facts: [String]
        public let branches: [Branch]

        public var missing: [String] { branches.filter { !$0.isReached }.map(\.name) }
    }

    public let topology: String
    public let items: [Item]

    public var branches: Int { items.reduce(0) { $0 + $1.branches.count } }
    public var reached: Int { items.reduce(0) { $0 + $1.branches.filter(\.isReached).count } }
}
