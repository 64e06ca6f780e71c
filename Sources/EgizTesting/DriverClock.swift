import EgizTwin
import Synchronization

/// What calls take for the present: a fixed moment, or the newest record where that is later. Safe from any thread.
final class DriverClock: Sendable {
    private let time = Mutex(EventTime(microseconds: 1_767_225_600_000_000))

    var now: EventTime { time.withLock { $0 } }

    func note(_ record: EventTime) { time.withLock { $0 = max($0, record) } }
}
