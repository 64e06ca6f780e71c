import Synchronization

/// Lets a few through at a time, the others in their order; who is cancelled while it waits is gone at once. Safe from any thread.
final class FewAtATime: Sendable {
    private struct State {
        var free: Int
        /// Those who wait, by number; the lowest is the next.
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var next = 0
        /// Nobody with a lower number waits.
        var first = 0
    }

    private let state: Mutex<State>

    init(_ atATime: Int) { state = Mutex(State(free: max(1, atATime))) }

    /// Throws `CancellationError`, and what `body` throws.
    func pass<T: Sendable>(_ body: () async throws -> T) async throws -> T {
        try await enter()
        defer { leave() }
        return try await body()
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.waiting.count } }

    private func enter() async throws {
        let number = state.withLock { state -> Int in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let goes = state.withLock { state -> Bool in
                    guard state.free == 0 else {
                        state.free -= 1
                        return true
                    }
                    state.waiting[number] = continuation
                    return false
                }
                if goes { return continuation.resume() }
                // Cancelled before it waited, so that nobody could tell it.
                if Task.isCancelled { giveUp(number) }
            }
        } onCancel: {
            giveUp(number)
        }
    }

    private func giveUp(_ number: Int) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(throwing: CancellationError())
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            while state.first < state.next, !state.waiting.isEmpty {
                state.first += 1
                if let next = state.waiting.removeValue(forKey: state.first) { return next }
            }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
