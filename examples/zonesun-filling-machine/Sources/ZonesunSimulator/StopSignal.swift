import Foundation
import Synchronization

/// SIGINT and SIGTERM, taken synchronously: waiting for the next event and waiting for a signal is one system call, and no
/// handler interrupts anything.
final class StopSignal: Sendable {
    private let requested = Atomic<Bool>(false)
    private let parent: pid_t?

    /// Blocks both signals for this thread and all that it starts; make one before any thread.
    init(withParent: Bool) {
        parent = withParent ? getppid() : nil
        var set = Self.signals
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A reader of our output that went away is an error of write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        return set
    }

    /// Whether a stop was asked for. Looks without waiting.
    var isRequested: Bool { wait(.zero) }

    /// Waits for at most `duration`; true at once when a stop is asked for.
    @discardableResult
    func wait(_ duration: Duration) -> Bool {
        if requested.load(ordering: .relaxed) { return true }
        let deadline = ContinuousClock.now + duration
        repeat {
            let rest = min(max(.zero, ContinuousClock.now.duration(to: deadline)), .seconds(1))
            let (seconds, attoseconds) = rest.components
            var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
            var set = Self.signals
            let isOrphan = parent.map { $0 != getppid() } ?? false
            if sigtimedwait(&set, nil, &time) > 0 || isOrphan {
                requested.store(true, ordering: .relaxed)
                return true
            }
        } while ContinuousClock.now < deadline
        return false
    }
}
