import HTTPTypes
import Synchronization

/// Lets a few searches through at a time: each may read a whole table for seconds, and the connections they leave are everybody's.
///
/// One search of one caller at a time, however many that caller sends; the others in their order. Who sends more than may wait is told so,
/// and so is everybody where too many wait. Safe from any thread.
final class SearchGate: Sendable {
    /// Of one caller, running or waiting.
    static let mostOfOne = 8
    static let mostWaiting = 64

    private struct Waiter {
        var number: Int
        var caller: String
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var free: Int
        var running: Set<String> = []
        /// Searches of each caller, running or waiting.
        var present: [String: Int] = [:]
        var waiting: [Waiter] = []
        var next = 0

        mutating func forget(_ caller: String) {
            let left = (present[caller] ?? 1) - 1
            present[caller] = left > 0 ? left : nil
        }
    }

    private let state: Mutex<State>

    init(_ atATime: Int = 2) { state = Mutex(State(free: max(1, atATime))) }

    /// Throws `Problem.tooManySearches` and `Problem.searchesAreBusy`, `CancellationError`, and what `body` throws.
    func pass<T: Sendable>(for caller: String, _ body: () async throws -> T) async throws -> T {
        try await enter(caller)
        defer { leave(caller) }
        return try await body()
    }

    /// How many run and wait.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.running.count, $0.waiting.count) } }

    private func enter(_ caller: String) async throws {
        let number = state.withLock { state -> Int in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let result = state.withLock { state in Self.admit(caller, number, continuation, &state) }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let gone = state.withLock { state -> Waiter? in
                guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return nil }
                state.forget(caller)
                return state.waiting.remove(at: index)
            }
            gone?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Nil: it waits.
    private static func admit(
        _ caller: String, _ number: Int, _ continuation: CheckedContinuation<Void, any Error>, _ state: inout State
    ) -> Result<Void, any Error>? {
        let present = state.present[caller] ?? 0
        guard present < mostOfOne else { return .failure(Problem.tooManySearches) }
        let goes = state.free > 0 && !state.running.contains(caller)
        guard goes || state.waiting.count < mostWaiting else { return .failure(Problem.searchesAreBusy) }
        state.present[caller] = present + 1
        guard goes else {
            state.waiting.append(Waiter(number: number, caller: caller, continuation: continuation))
            return nil
        }
        state.free -= 1
        state.running.insert(caller)
        return .success(())
    }

    private func leave(_ caller: String) {
        let next = state.withLock { state -> Waiter? in
            state.running.remove(caller)
            state.forget(caller)
            guard let index = state.waiting.firstIndex(where: { !state.running.contains($0.caller) }) else {
                state.free += 1
                return nil
            }
            let next = state.waiting.remove(at: index)
            state.running.insert(next.caller)
            return next
        }
        next?.continuation.resume()
    }
}

extension Problem {
    static let tooManySearches = Problem(
        code: "too-many-searches", status: .tooManyRequests, title: "Too many searches at once",
        detail:
            "\(SearchGate.mostOfOne) searches of yours run or wait already; send the next one when they are answered.",
        headers: [.retryAfter: "5"])

    static let searchesAreBusy = Problem(
        code: "busy", status: .serviceUnavailable, title: "Too many searches wait",
        detail: "Others search as well, and searches run a few at a time. Try again in a few seconds.",
        headers: [.retryAfter: "5"])
}
