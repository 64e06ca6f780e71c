/// Where the product went since the machine started, in m³: what the tank lost is what was filled and spilled.
public struct MassBalance: Sendable, Equatable {
    /// In the tank at the start.
    public let initial: Double
    /// Into the tank.
    public var refilled = 0.0
    /// Into bottles, good ones and rejects.
    public var filled = 0.0
    /// Past the bottles.
    public var spilled = 0.0

    public init(initial: Double) { self.initial = initial }

    /// What must be in the tank now.
    public var expected: Double { initial + refilled - filled - spilled }
}
