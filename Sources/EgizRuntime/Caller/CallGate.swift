package import EgizCore

/// What bounds the calls of a stage in a worker, whichever of its threads makes them: how many are under way, circuit breakers and
/// rates; and what the threads learn from each other. A thread takes part as a desk. Pure; times count from any origin, which all
/// desks share.
package struct CallGate: Sendable {
    struct Lane: Sendable {
        var breaker: CallBreaker
        var rate: CallRate
        /// Calls under way, by desk.
        var open: [Int: Int] = [:]
        /// Desks that have a call to make and found no room, with when they last asked.
        var waiting: [Int: Duration] = [:]
        /// By desk, the number of the last call that it began.
        var served: [Int: Int64] = [:]
        var calls: Int64 = 0
        /// The call that tries whether the breaker may close, and whose it is.
        var trial: (desk: Int, call: Int64)?
        /// Calls that were answered.
        var answered: Int64 = 0

        var callsOpen: Int { open.values.reduce(0, +) }
    }

    /// A desk that has not asked for so long has something else to do: nobody keeps a place for it.
    private static let patience: Duration = .milliseconds(100)

    private let concurrency: Int
    private(set) var lanes: [Lane]
    /// Records that are taken in and not done, by desk.
    private var records: [Int: Int] = [:]

    package init(policy: CallPolicy, lanes: Int) {
        concurrency = policy.concurrency
        self.lanes = (0..<lanes).map { _ in
            Lane(
                breaker: CallBreaker(failures: policy.breakerFailures, pause: policy.breakerPause),
                rate: CallRate(policy.rate))
        }
    }

    /// Records of all desks that are taken in and not done.
    var openRecords: Int { records.values.reduce(0, +) }

    // MARK: Calls

    /// Whether the desk may begin a call now. Where several want the last place or the next token, the one with the fewest calls
    /// under way gets it, and among such the one that was served longest ago.
    mutating func mayBegin(_ desk: Int, lane: Int, at now: Duration) -> Bool {
        guard hasRoom(lane), lanes[lane].breaker.admits(at: now), lanes[lane].rate.next(at: now) <= now else {
            return false
        }
        return !lanes[lane].waiting.contains { other, asked in
            other != desk && now - asked <= Self.patience && isAhead(other, of: desk, lane)
        }
    }

    private func isAhead(_ other: Int, of desk: Int, _ lane: Int) -> Bool {
        let (theirs, mine) = (lanes[lane].open[other] ?? 0, lanes[lane].open[desk] ?? 0)
        return theirs < mine || theirs == mine && lanes[lane].served[other] ?? 0 < lanes[lane].served[desk] ?? 0
    }

    func hasRoom(_ lane: Int) -> Bool { lanes[lane].callsOpen < concurrency }

    /// - Parameter call: as the desk numbers it.
    mutating func begin(_ desk: Int, lane: Int, call: Int64) {
        if !lanes[lane].breaker.isClosed { lanes[lane].trial = (desk, call) }
        lanes[lane].breaker.admitted()
        lanes[lane].rate.take()
        lanes[lane].open[desk, default: 0] += 1
        lanes[lane].calls += 1
        lanes[lane].served[desk] = lanes[lane].calls
        lanes[lane].waiting[desk] = nil
    }

    /// The desk has a call to make and may not, or has none.
    mutating func wants(_ desk: Int, lane: Int, _ wants: Bool, at now: Duration) {
        lanes[lane].waiting[desk] = wants ? now : nil
    }

    /// A call of the desk has ended; true where it was the one that tries.
    private mutating func end(_ desk: Int, lane: Int, call: Int64) -> Bool {
        if let open = lanes[lane].open[desk] { lanes[lane].open[desk] = open > 1 ? open - 1 : nil }
        guard let trial = lanes[lane].trial, trial.desk == desk, trial.call == call else { return false }
        lanes[lane].trial = nil
        return true
    }

    /// - Parameter isUseful: false: somebody is there, but what was asked was not answered.
    mutating func succeeded(_ desk: Int, lane: Int, call: Int64, isUseful: Bool) {
        let isTrial = end(desk, lane: lane, call: call)
        lanes[lane].breaker.succeeded(isTrial: isTrial)
        if isUseful { lanes[lane].answered += 1 }
    }

    mutating func failed(_ desk: Int, lane: Int, call: Int64, at now: Duration, jitter: Double) {
        let isTrial = end(desk, lane: lane, call: call)
        lanes[lane].breaker.failed(at: now, jitter: jitter, isTrial: isTrial)
    }

    /// A call ended without telling anything.
    mutating func abandoned(_ desk: Int, lane: Int, call: Int64, at now: Duration) {
        let isTrial = end(desk, lane: lane, call: call)
        lanes[lane].breaker.abandoned(at: now, isTrial: isTrial)
    }

    /// When a call might be made, as far as breaker and rate are concerned.
    mutating func opens(lane: Int, at now: Duration) -> Duration {
        let next = lanes[lane].rate.next(at: now)
        return lanes[lane].breaker.opensAt.map { max(next, $0) } ?? next
    }

    // MARK: Desks

    mutating func holds(_ count: Int, of desk: Int) { records[desk] = count > 0 ? count : nil }

    /// The desk is no more, and whatever it had under way tells nothing.
    mutating func leave(_ desk: Int) {
        records[desk] = nil
        for lane in lanes.indices {
            if lanes[lane].trial?.desk == desk {
                lanes[lane].trial = nil
                lanes[lane].breaker.abandoned(at: .zero, isTrial: true)
            }
            lanes[lane].open[desk] = nil
            lanes[lane].waiting[desk] = nil
            lanes[lane].served[desk] = nil
        }
    }
}
