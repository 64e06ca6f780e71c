import EgizCore
import Foundation
import Logging

/// The second half of a stream thread: writes one closed epoch while the next one is being processed.
///
/// Unchecked: the mailbox is guarded by `condition`; the writer is touched by the thread alone.
final class CommitThread: @unchecked Sendable {
    typealias Outcome = Result<CommitOutcome, EngineError>

    private let condition = NSCondition()
    private var pending: EpochWrite?
    private var outcome: Outcome?
    private var isAbandoned = false
    private var isStopping = false
    private var thread: OSThread?
    private let open: @Sendable () throws(EngineError) -> any EpochWriter
    private let status: StageStatus
    private let logger: Logger

    init(
        name: String, status: StageStatus, logger: Logger,
        open: @escaping @Sendable () throws(EngineError) -> any EpochWriter
    ) {
        self.open = open
        self.status = status
        self.logger = logger
        thread = OSThread(name: name) { [self] in run() }
    }

    /// Hands an epoch over. - Precondition: the one before was taken back with `take`.
    func submit(_ epoch: EpochWrite) {
        condition.lock()
        precondition(pending == nil && outcome == nil, "an epoch was handed over before the last one was taken back")
        isAbandoned = false
        pending = epoch
        condition.broadcast()
        condition.unlock()
    }

    /// The outcome of the epoch handed over, waiting for it until the deadline; nil: not yet.
    func take(until deadline: Date = .distantPast) -> Outcome? {
        condition.lock()
        defer { condition.unlock() }
        while outcome == nil {
            guard condition.wait(until: deadline) else { break }
        }
        defer { outcome = nil }
        return outcome
    }

    /// Gives the epoch up: no further attempt is made. An attempt that is under way may still land, so whoever abandons
    /// must not assume either outcome.
    func abandon() {
        condition.lock()
        isAbandoned = true
        condition.broadcast()
        condition.unlock()
    }

    /// Ends the thread after its present attempt and waits for it until the deadline.
    func stop(until deadline: Date) {
        condition.lock()
        isStopping = true
        isAbandoned = true
        condition.broadcast()
        condition.unlock()
        thread?.join(until: deadline)
    }

    private func run() {
        var writer: (any EpochWriter)?
        while let epoch = nextEpoch() {
            let result = commit(epoch, &writer)
            condition.lock()
            pending = nil
            outcome = result
            condition.broadcast()
            condition.unlock()
        }
        writer?.close()
    }

    private func nextEpoch() -> EpochWrite? {
        condition.lock()
        defer { condition.unlock() }
        while pending == nil {
            if isStopping { return nil }
            condition.wait()
        }
        return pending
    }

    private func commit(_ epoch: EpochWrite, _ writer: inout (any EpochWriter)?) -> Outcome {
        var backoff = Backoff()
        var attempts = 0
        // Here, because the stream thread has more to do.
        epoch.sortRows()
        while true {
            do throws(EngineError) {
                if writer == nil { writer = try open() }
                guard let current = writer else { continue }
                let outcome = try current.commit(epoch)
                // Also at the first attempt: the epoch before may have been given up while it waited.
                status.recovered(.commit)
                if attempts > 0 {
                    logger.notice("commits go on", metadata: [LogKey.attempts: "\(attempts)"])
                }
                return .success(outcome)
            } catch {
                guard error.retry == .backoff else { return .failure(error) }
                attempts += 1
                if attempts == 1 {
                    logger.warning("commit waits for Postgres", metadata: [LogKey.error: "\(error)"])
                }
                status.waiting(.commit, error.message)
                guard pause(backoff.next()) else { return .failure(error) }
            }
        }
    }

    /// False when the epoch was abandoned meanwhile.
    private func pause(_ duration: Duration) -> Bool {
        let deadline = Date(timeIntervalSinceNow: duration.seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isAbandoned {
            guard condition.wait(until: deadline) else { break }
        }
        return !isAbandoned
    }
}
