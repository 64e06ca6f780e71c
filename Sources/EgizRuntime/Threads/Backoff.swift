/// Exponential backoff with full jitter: waits grow from `first` to `most`, each a random part of the current bound, so that
/// workers that lost the same server do not come back in step.
public struct Backoff {
    private let first: Duration
    private let most: Duration
    private var bound: Duration

    /// - Parameter most: by default a second, so that what changes just after an outage is in force within the two that are promised of
    ///   topologies and of the registry.
    public init(first: Duration = .milliseconds(50), most: Duration = .seconds(1)) {
        self.first = first
        self.most = most
        bound = first
    }

    /// The next wait; at least half the bound, so that it is never a busy loop.
    public mutating func next() -> Duration {
        let wait = bound * Double.random(in: 0.5...1)
        bound = min(bound * 2, most)
        return wait
    }

    public mutating func reset() { bound = first }
}
