import EgizCore

/// Decides when an epoch closes (contract 5 of the design): pure, so that it can be tested without a clock.
///
/// One epoch may be in commit while the next is open. The open one closes when the one before is done and the interval has
/// passed; when it is full it waits for that, and the thread stops taking records.
struct EpochPipeline {
    enum Action: Equatable {
        /// Take records, waiting at most so long for the first.
        case poll(Duration)
        /// Close the open epoch and hand it over.
        case close
        /// Nothing more fits: wait for the running commit.
        case await
    }

    var policy: CommitPolicy
    /// One epoch at a time: nothing is taken while one is in commit.
    var isSequential = false
    private(set) var isCommitting = false
    private var lastClose: ContinuousClock.Instant?
    /// The longest a poll waits when nothing is due; bounds how late a stop or a finished commit is noticed.
    static let idlePoll: Duration = .milliseconds(100)
    /// How long what came of a change of rules waits at most, whatever the interval: people wait for it.
    static let hastyInterval: Duration = .milliseconds(500)

    init(policy: CommitPolicy) { self.policy = policy }

    /// - Parameter isHasty: rules have changed, and the open epoch may have what comes of that.
    func next(
        now: ContinuousClock.Instant, openRecords: Int, openBytes: Int, isHasty: Bool = false
    ) -> Action {
        let isFull = openRecords >= policy.maxRecords || openBytes >= policy.maxBytes
        if isCommitting {
            if isFull || isSequential { return .await }
            // With work waiting, look often whether the commit is done: it decides the latency of the next.
            return .poll(openRecords > 0 ? .milliseconds(2) : .milliseconds(20))
        }
        guard openRecords > 0 else { return .poll(Self.idlePoll) }
        if isFull { return .close }
        guard let lastClose else { return .close }
        let interval = isHasty ? min(policy.interval, Self.hastyInterval) : policy.interval
        let due = lastClose.advanced(by: interval)
        return now >= due ? .close : .poll(min(now.duration(to: due), Self.idlePoll))
    }

    /// The open epoch was handed over.
    mutating func closed(at now: ContinuousClock.Instant) {
        precondition(!isCommitting, "a second epoch was handed over before the first was done")
        isCommitting = true
        lastClose = now
    }

    /// The running commit ended, either way.
    mutating func finished() {
        precondition(isCommitting, "a commit ended that never began")
        isCommitting = false
    }
}
