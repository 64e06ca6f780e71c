/// Where a machine's twin stands already, so that a new run goes on from there.
public struct TwinPosition: Sendable, Equatable {
    /// Ditto's revision of the last event; 0 where there is no twin.
    public var revision: Int64
    public var counters: ProductionCounters

    public init(revision: Int64 = 0, counters: ProductionCounters = ProductionCounters()) {
        (self.revision, self.counters) = (revision, counters)
    }
}
