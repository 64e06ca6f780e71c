import Dispatch
import Foundation
import Synchronization

/// Runs what scrypt does on threads of its own, few at a time: however many logins come, half of the cores are left for everything
/// else, and those that would wait too long are told so at once.
final class PasswordHasher: Sendable {
    /// Hashes that may wait or run; at about 0.2 s each the last of them waits for a few seconds.
    static let mostWaiting = 32

    private struct State {
        var waiting = 0
        var next = 0
    }

    private let queues: [DispatchQueue]
    private let state = Mutex(State())

    init(workers: Int = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)) {
        queues = (1...workers).map { DispatchQueue(label: "egiz.password.\($0)", qos: .utility) }
    }

    /// Throws `Problem.busy` where too many wait, and what `work` throws.
    func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        let queue = state.withLock { state -> DispatchQueue? in
            guard state.waiting < Self.mostWaiting else { return nil }
            state.waiting += 1
            state.next = (state.next + 1) % queues.count
            return queues[state.next]
        }
        guard let queue else { throw Problem.busy }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async {
                let result = Result { try work() }
                self.state.withLock { $0.waiting -= 1 }
                continuation.resume(with: result)
            }
        }
    }
}
