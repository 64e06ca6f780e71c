/// A circuit breaker: after failures in a row nobody is called for a while, then one call tries whether it is over. Pure; times count
/// from any origin.
struct CallBreaker: Sendable {
    private enum State: Equatable, Sendable {
        case closed
        case open(until: Duration)
        /// The one call is under way.
        case trying
    }

    private let failures: Int
    private let pause: Duration
    private var state = State.closed
    private var inRow = 0

    init(failures: Int, pause: Duration) { (self.failures, self.pause) = (failures, pause) }

    /// Whether a call may be made now; `admitted` says that it is.
    func admits(at now: Duration) -> Bool {
        switch state {
        case .closed: true
        case .open(let until): now >= until
        case .trying: false
        }
    }

    var isClosed: Bool { state == .closed }

    /// When it admits the next call; nil: now, or when the one under way has ended.
    var opensAt: Duration? {
        if case .open(let until) = state { return until }
        return nil
    }

    mutating func admitted() { if state != .closed { state = .trying } }

    /// The call that was admitted ended without telling anything: another one may try.
    mutating func abandoned(at now: Duration, isTrial: Bool) {
        if state == .trying, isTrial { state = .open(until: now) }
    }

    /// - Parameter isTrial: of the one call that tries. While it is under way, those that were begun before it tell nothing.
    mutating func succeeded(isTrial: Bool) {
        if state == .trying, !isTrial { return }
        inRow = 0
        state = .closed
    }

    mutating func failed(at now: Duration, jitter: Double, isTrial: Bool) {
        if state == .trying, !isTrial { return }
        inRow += 1
        // What was under way when it opened tells nothing new.
        if case .open = state { return }
        if state == .trying || inRow >= failures { state = .open(until: now + pause * jitter) }
    }
}

/// A token bucket of one second's calls: bursts up to a second's worth.
struct CallRate: Sendable {
    private let rate: Double?
    private var tokens: Double
    private var filled: Duration?

    init(_ rate: Double?) {
        self.rate = rate
        tokens = max(rate ?? 0, 1)
    }

    /// When the next call may be made.
    mutating func next(at now: Duration) -> Duration {
        guard let rate else { return now }
        // Threads that share it may look at the clock in another order than they come.
        if let filled { tokens = min(max(rate, 1), tokens + max(0, (now - filled).seconds) * rate) }
        filled = max(filled ?? now, now)
        // A little less than one, so that rounding does not wait for ever.
        return tokens >= 0.999_999 ? now : now + .seconds((1 - tokens) / rate)
    }

    mutating func take() { if rate != nil { tokens -= 1 } }
}
