/// Lets one message through every `interval` and counts what it held back. Not thread-safe.
struct RateGate {
    let interval: Duration
    private var last: ContinuousClock.Instant?
    private var heldBack = 0

    init(interval: Duration) { self.interval = interval }

    /// How many messages were held back since the last one that passed; nil where this one is held back too.
    mutating func pass(at now: ContinuousClock.Instant) -> Int? {
        if let last, now - last < interval {
            heldBack += 1
            return nil
        }
        defer { (last, heldBack) = (now, 0) }
        return heldBack
    }
}
