import Dispatch
import Foundation
import Synchronization

/// Runs what scrypt does on threads of its own, few at a time: however many logins come, half of the cores are left for everything
/// else, and those that would wait too long are told so at once.
final class PasswordHasher: Sendable {
    /// Hashes that may wait or run; at about 0.2 s each the last of them waits for a few seconds.
    static let mostWaiting = 32

    /// Of those, from one network: others sign in beside somebody who sends all he can.
    static let mostOfOne = 8

    private struct State {
        var waiting = 0
        var networks: [String: Int] = [:]
        var next = 0

        mutating func leave(_ network: String) {
            waiting -= 1
            let left = (networks[network] ?? 1) - 1
            networks[network] = left > 0 ? left : nil
        }
    }

    private let queues: [DispatchQueue]
    private let state = Mutex(State())

    init(workers: Int = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)) {
        queues = (1...workers).map { DispatchQueue(label: "egiz.password.\($0)", qos: .utility) }
    }

    /// Throws `Problem.busy` where too many wait, of the address's network or altogether, and what `work` throws.
    func run<T: Sendable>(
        for address: String?, _ work: @escaping @Sendable () throws -> T
    ) async throws -> T {
        let network = AddressLimiter.network(of: address)
        let queue = state.withLock { state -> DispatchQueue? in
            let mine = state.networks[network] ?? 0
            guard state.waiting < Self.mostWaiting, mine < Self.mostOfOne else { return nil }
            state.waiting += 1
            state.networks[network] = mine + 1
            state.next = (state.next + 1) % queues.count
            return queues[state.next]
        }
        guard let queue else { throw Problem.busy }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async {
                let result = Result { try work() }
                self.state.withLock { $0.leave(network) }
                continuation.resume(with: result)
            }
        }
    }
}
