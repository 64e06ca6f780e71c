public import Foundation

/// A thread of the operating system that runs one blocking loop: librdkafka and libpq calls never touch the cooperative pool.
public final class OSThread: Sendable {
    private let finished: Flag

    /// Starts the thread at once. The stack holds a recursion over 1000 levels of JSON in a debug build.
    public init(name: String, stackBytes: Int = 16 << 20, body: @escaping @Sendable () -> Void) {
        let finished = Flag()
        self.finished = finished
        let thread = Thread {
            body()
            finished.raise()
        }
        thread.name = name
        thread.stackSize = stackBytes
        thread.start()
    }

    /// Blocks until the body has returned or the deadline has passed; true when it has returned.
    @discardableResult
    public func join(until deadline: Date = .distantFuture) -> Bool { finished.wait(until: deadline) }

    /// Waits for the body without blocking the cooperative pool.
    public func joined() async {
        await withCheckedContinuation { continuation in
            finished.onRaise { continuation.resume() }
        }
    }
}
