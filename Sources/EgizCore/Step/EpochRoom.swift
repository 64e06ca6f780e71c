/// What an open epoch may still take.
public struct EpochRoom: Sendable, Equatable {
    public var records: Int
    public var bytes: Int
    /// Timers have fired in the epoch, and no record may be beside them: what Postgres refuses must be found (rule 6).
    public var holdsTicksOnly = false
    /// Whether the first timer that fires makes it so.
    public var keepsTicksApart = false

    /// Without a number: no bound, for who commits after each record anyway.
    public init(records: Int = .max, bytes: Int = .max) {
        self.records = records
        self.bytes = bytes
    }

    public var isEmpty: Bool { records <= 0 || bytes <= 0 }

    mutating func take(records: Int, bytes: Int) {
        if self.records != .max { self.records -= records }
        if self.bytes != .max { self.bytes -= bytes }
        holdsTicksOnly = holdsTicksOnly || keepsTicksApart
    }
}
