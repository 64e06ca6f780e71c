public import EgizTwin
import Foundation

extension EventTime {
    /// Now, by the system's clock (UTC), to the microsecond. Only the shell asks.
    public static var wallClock: EventTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return EventTime(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
