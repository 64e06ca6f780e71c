import EgizCore
import EgizRuntime
import Foundation

/// A few connections for callers that must not block: each has its own OS thread, connects when it is first needed and again
/// when it was lost. Safe from any thread.
///
/// Unchecked: everything mutable is guarded by `condition`; a connection never leaves its thread.
public final class PostgresPool: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [PoolJob] = []
    private var isClosed = false
    private var threads: [OSThread] = []
    private let url: String
    private let applicationName: String
    private let settings: PostgresSettings
    private let acquireTimeout: Duration
    private let mostWaiting: Int

    /// Does not connect yet. `mostWaiting` calls may wait for a connection, each for at most `acquireTimeout`; a statement of
    /// the pool runs for at most `settings.statementTimeout`, 25 s where that is nil.
    public init(
        url: String, applicationName: String, size: Int = 4, settings: PostgresSettings = PostgresSettings(),
        acquireTimeout: Duration = .seconds(5), mostWaiting: Int = 256
    ) {
        self.url = url
        self.applicationName = applicationName
        var settings = settings
        if settings.statementTimeout == nil { settings.statementTimeout = .seconds(25) }
        self.settings = settings
        self.acquireTimeout = acquireTimeout
        self.mostWaiting = mostWaiting
        let queue = WeakPool(self)
        for number in 1...max(size, 1) {
            threads.append(OSThread(name: "\(applicationName)-\(number)") { queue.serve() })
        }
    }

    deinit { close() }

    /// Runs `body` on one of the pool's threads with its connection; an open transaction is rolled back afterwards.
    ///
    /// Throws what `body` throws; `.postgres`/`.backoff` where no connection came free in time, too many wait, or the database
    /// is away; `CancellationError` where the task was cancelled before its turn.
    public func run<T: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> T
    ) async throws -> T {
        let job = PoolJob()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                job.prepare { attempt in
                    continuation.resume(with: Result { try body(attempt.get()) })
                }
                enqueue(job)
            }
        } onCancel: {
            job.fail(CancellationError())
        }
    }

    /// Ends the threads after their present job; waiting and later calls fail. Idempotent.
    public func close() {
        condition.lock()
        isClosed = true
        let waiting = jobs
        jobs = []
        condition.broadcast()
        condition.unlock()
        for job in waiting { job.fail(Self.closed) }
    }

    private static var closed: EngineError {
        EngineError(.postgres, .stop, "the pool of database connections is closed")
    }

    private func enqueue(_ job: PoolJob) {
        condition.lock()
        let refusal: EngineError? =
            if isClosed { Self.closed } else if jobs.count >= mostWaiting {
                EngineError(
                    .postgres, .backoff,
                    "\(mostWaiting) queries wait for a database connection already; try again later")
            } else { nil }
        if refusal == nil {
            jobs.append(job)
            condition.signal()
        }
        condition.unlock()
        if let refusal { return job.fail(refusal) }
        let error = EngineError(.postgres, .backoff, "no database connection came free within \(acquireTimeout)")
        DispatchQueue.global().asyncAfter(deadline: .now() + acquireTimeout.seconds) { job.fail(error) }
    }

    /// The next job whose caller still waits; nil when the pool is closed.
    fileprivate func next(_ wait: TimeInterval) -> PoolJob?? {
        condition.lock()
        defer { condition.unlock() }
        if jobs.isEmpty, !isClosed { _ = condition.wait(until: Date(timeIntervalSinceNow: wait)) }
        if isClosed { return .some(nil) }
        return jobs.isEmpty ? nil : .some(jobs.removeFirst())
    }

    fileprivate func perform(_ job: PoolJob, _ connection: inout PostgresConnection?) {
        guard let start = job.start() else { return }
        do throws(EngineError) {
            if let connection {
                try connection.ensureConnected()
            } else {
                connection = try PostgresConnection(url: url, applicationName: applicationName, settings: settings)
            }
        } catch {
            return start(.failure(error))
        }
        guard let connection else { return }
        start(.success(connection))
        connection.rollback()
    }
}

/// What a thread of the pool holds between jobs, so that a pool nobody holds any more can go.
private final class WeakPool: @unchecked Sendable {
    // Written in init only; reading a weak reference is safe from any thread.
    private weak var pool: PostgresPool?

    init(_ pool: PostgresPool) { self.pool = pool }

    func serve() {
        var connection: PostgresConnection?
        while let pool {
            guard let next = pool.next(5) else { continue }
            guard let job = next else { return }
            pool.perform(job, &connection)
        }
    }
}
