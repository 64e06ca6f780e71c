import Dispatch

/// Runs a blocking body on a thread of its own, within the calling task, so that tests of a broker wait side by side instead
/// of one behind the other on the two threads of the task pool.
func blocking<R: Sendable>(_ body: @Sendable () throws -> R) async throws -> R {
    try await withTaskExecutorPreference(BlockingExecutor.shared) { try body() }
}

private final class BlockingExecutor: TaskExecutor {
    static let shared = BlockingExecutor()
    private let queue = DispatchQueue(label: "egiz.tests.blocking", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        queue.async { job.runSynchronously(on: executor) }
    }
}
