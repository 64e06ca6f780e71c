import EgizTwin
import Synchronization

/// What records in memory come no later than: a fixed moment, or the newest of them where that is later. Safe from any thread.
final class DriverClock: Sendable {
    /// What calls tell of the time.
    static let start = EventTime(microseconds: 1_767_225_600_000_000)

    private let time = Mutex(DriverClock.start)

    var now: EventTime { time.withLock { $0 } }

    func note(_ record: EventTime) { time.withLock { $0 = max($0, record) } }
}
