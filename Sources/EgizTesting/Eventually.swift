import EgizRuntime

/// Runs a blocking wait on a thread of its own: the cooperative pool has as many threads as cores, and the tests run on it.
public func onThread<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        _ = OSThread(name: "egiz-test-wait") { continuation.resume(returning: body()) }
    }
}

extension MemoryStore {
    /// Waits for a change of the store without blocking the cooperative pool; false after `seconds`.
    public func eventually(seconds: Double = 20, _ predicate: @escaping @Sendable (MemoryStore) -> Bool) async -> Bool {
        await onThread { self.wait(seconds: seconds, until: predicate) }
    }
}

extension MemoryLog {
    /// Waits for a change of the log without blocking the cooperative pool; false after `seconds`.
    public func eventually(seconds: Double = 20, _ predicate: @escaping @Sendable (MemoryLog) -> Bool) async -> Bool {
        await onThread { self.wait(seconds: seconds, until: predicate) }
    }
}
