/// When an open epoch closes (contract 5 of the design, rule 4 of the contracts).
public struct CommitPolicy: Sendable, Equatable {
    /// The least time between two commits while records come in.
    public var interval: Duration
    /// An epoch closes, and the thread waits for the commit before it, at this many records…
    public var maxRecords: Int
    /// …or at this many bytes of samples, twins, states and effects.
    public var maxBytes: Int

    public static let standard = CommitPolicy(interval: .milliseconds(100), maxRecords: 1_000_000, maxBytes: 64 << 20)

    public init(interval: Duration, maxRecords: Int, maxBytes: Int) {
        self.interval = interval
        self.maxRecords = maxRecords
        self.maxBytes = maxBytes
    }
}
