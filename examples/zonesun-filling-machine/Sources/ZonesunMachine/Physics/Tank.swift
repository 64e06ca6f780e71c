/// The product tank above the filling head: loses what is filled, is refilled between two levels with colder product, and
/// slowly takes the temperature of the hall.
struct Tank: Sendable {
    /// m³.
    private(set) var volume: Double
    /// °C.
    private(set) var temperature: Double
    private(set) var isRefilling = false
    /// False while the supply is interrupted.
    var hasSupply = true

    /// Seconds in which the difference to the hall falls to 37 % (Newton's law of cooling).
    private static let exchangeTime = 5400.0

    init(volume: Double, temperature: Double) {
        (self.volume, self.temperature) = (volume, temperature)
    }

    /// Takes product out and returns what there was of it.
    mutating func take(_ wanted: Double) -> Double {
        let taken = min(wanted, volume)
        volume -= taken
        return taken
    }

    /// Refills and exchanges heat for `dt` seconds; returns the volume that came in.
    mutating func step(_ dt: Double, ambient: Double, spec: MachineSpec) -> Double {
        temperature += (ambient - temperature) * dt / Self.exchangeTime
        let level = volume / spec.tankCapacity
        if level < spec.refillBelow { isRefilling = true }
        if level >= spec.refillUntil { isRefilling = false }
        guard isRefilling, hasSupply else { return 0 }
        let inflow = min(spec.refillFlow * dt, spec.tankCapacity - volume)
        // Both are water: temperatures mix by volume.
        temperature = (temperature * volume + spec.supplyTemperature * inflow) / (volume + inflow)
        volume += inflow
        return inflow
    }
}
