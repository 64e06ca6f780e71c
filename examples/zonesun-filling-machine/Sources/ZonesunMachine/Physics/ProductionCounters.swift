/// What the machine has made in its life. Never falls.
public struct ProductionCounters: Sendable, Equatable {
    /// All bottles that left the machine.
    public var bottles: Int64
    /// Those of them whose content was out of tolerance.
    public var rejects: Int64

    public init(bottles: Int64 = 0, rejects: Int64 = 0) {
        (self.bottles, self.rejects) = (bottles, rejects)
    }
}
