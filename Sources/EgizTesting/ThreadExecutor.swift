import EgizRuntime

/// Runs every job of a task on a thread of its own.
///
/// The cooperative pool has as many threads as the machine has cores, and the tests run on it: one test that blocks, because it
/// waits for another process, would starve the others. The task stays the same, so that what it expects is still its own.
public final class ThreadExecutor: TaskExecutor {
    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        _ = OSThread(name: "egiz-test-blocking") { job.runSynchronously(on: executor) }
    }
}

/// Runs a blocking body in the current task, but off the cooperative pool.
public func blocking<T>(_ body: () throws -> T) async throws -> T {
    try await withTaskExecutorPreference(ThreadExecutor()) { try body() }
}
