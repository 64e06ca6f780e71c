import Foundation

/// One call of the pool: started once or failed once, whoever comes first.
///
/// Unchecked: `lock` guards `action`.
final class PoolJob: @unchecked Sendable {
    typealias Action = @Sendable (Result<PostgresConnection, any Error>) -> Void

    private let lock = NSLock()
    private var action: Action?
    private var failure: (any Error)?

    /// Sets what is to be done; at once with the failure, where it has already failed (a task cancelled before it began).
    func prepare(_ action: @escaping Action) {
        lock.lock()
        let failure = failure
        if failure == nil { self.action = action }
        lock.unlock()
        if let failure { action(.failure(failure)) }
    }

    /// Takes the action for running it; nil where the job is over.
    func start() -> Action? { take() }

    /// Ends the job unless it has started.
    func fail(_ error: any Error) {
        lock.lock()
        if failure == nil { failure = error }
        let action = action
        self.action = nil
        lock.unlock()
        action?(.failure(error))
    }

    private func take() -> Action? {
        lock.lock()
        defer { lock.unlock() }
        defer { action = nil }
        return action
    }
}
