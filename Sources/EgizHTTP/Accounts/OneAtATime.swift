import Synchronization

/// Lets one through at a time for each key: what is looked at before the work still holds when its outcome is counted. Safe from any
/// thread.
final class OneAtATime<Key: Hashable & Sendable>: Sendable {
    private let mostWaiting: Int
    /// Those who wait, by key; a key that is there has somebody inside.
    private let present = Mutex<[Key: [CheckedContinuation<Void, Never>]]>([:])

    init(mostWaiting: Int = 16) { self.mostWaiting = mostWaiting }

    /// Throws `Problem.busy` where too many wait for the key, and what `body` throws.
    func pass<T: Sendable>(_ key: Key, _ body: () async throws -> T) async throws -> T {
        if present.withLock({ ($0[key]?.count ?? 0) >= mostWaiting }) { throw Problem.busy }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let goes = present.withLock { present -> Bool in
                guard present[key] != nil else {
                    present[key] = []
                    return true
                }
                present[key]?.append(continuation)
                return false
            }
            if goes { continuation.resume() }
        }
        defer { leave(key) }
        return try await body()
    }

    private func leave(_ key: Key) {
        let next = present.withLock { present -> CheckedContinuation<Void, Never>? in
            guard let waiting = present[key], let next = waiting.first else {
                present[key] = nil
                return nil
            }
            present[key] = Array(waiting.dropFirst())
            return next
        }
        next?.resume()
    }
}
