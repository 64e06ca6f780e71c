import Dispatch
import EgizRuntime
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import EgizHTTP

/// The log goes no faster than the loops that serve the clients.
@Suite(.timeLimit(.minutes(1))) struct LiveBackPressureTests {
    /// Tells how often it was asked, before it answers.
    private final class AskedTail: LogTail {
        private let tail = MemoryTail()
        private let count = Mutex(0)
        private let asked: @Sendable (Int) -> Void

        init(asked: @escaping @Sendable (Int) -> Void) { self.asked = asked }

        func next(limit: Int, wait: Duration) async throws -> TailBatch {
            asked(
                count.withLock { count in
                    count += 1
                    return count
                })
            return try await tail.next(limit: limit, wait: wait)
        }

        func close() async { await tail.close() }
    }

    @Test func theLogWaitsForALoopThatIsBehind() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let release = DispatchSemaphore(value: 0)
        let isBusy = Mutex(true)
        let (busy, says) = AsyncStream.makeStream(of: Bool.self)
        let tail = AskedTail { number in
            guard number == 2 else { return }
            says.yield(isBusy.withLock { $0 })
            release.signal()
        }
        var settings = LiveSettings()
        settings.tick = .milliseconds(1)
        let hub = LiveHub(
            tail: tail, owners: MemoryOwners(), settings: settings, logger: TestAPI.quiet)
        _ = hub.shard(of: loop)
        // Busy until the log is asked for more, which must not be, or for a while.
        loop.execute {
            _ = release.wait(timeout: .now() + .milliseconds(200))
            isBusy.withLock { $0 = false }
        }
        let running = Task { await hub.run() }
        for await wasBusy in busy {
            #expect(!wasBusy)
            break
        }
        running.cancel()
        await running.value
        try await group.shutdownGracefully()
    }
}
