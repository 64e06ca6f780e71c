/// A nozzle that is to clog at once, for demonstrations and tests.
public struct InjectedClog: Sendable, Equatable {
    /// From 1.
    public var machine: Int
    /// From 1.
    public var nozzle: Int
    /// Microseconds of machine time since the start.
    public var at: Int64

    public init(machine: Int, nozzle: Int, at: Int64) {
        (self.machine, self.nozzle, self.at) = (machine, nozzle, at)
    }
}
