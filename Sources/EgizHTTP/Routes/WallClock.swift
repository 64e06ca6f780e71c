import EgizRuntime
import EgizTwin

/// The system's clock in UTC, to the microsecond.
enum WallClock {
    /// By the runtime's, and not by a `clock_gettime` of our own: whose header `timespec` belongs to differs between a debug build and one of
    /// whole modules, where a library of this module's brings CoreFoundation's.
    static func now() -> EventTime { .wallClock }
}
