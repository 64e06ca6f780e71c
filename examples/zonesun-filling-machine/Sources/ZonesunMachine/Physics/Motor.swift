/// The motor of conveyor and pump: follows a speed, draws a current that grows with friction, heats by copper loss and
/// cools to the hall.
struct Motor: Sendable {
    /// 1/min.
    private(set) var speed = 0.0
    /// A.
    private(set) var current = 0.0
    /// °C of the winding.
    private(set) var temperature: Double
    /// 1 with new bearings; grows.
    private(set) var friction: Double

    init(temperature: Double, friction: Double) {
        (self.temperature, self.friction) = (temperature, friction)
    }

    mutating func step(_ dt: Double, target: Double, ambient: Double, wear: Double, spec: MachineSpec) {
        let before = speed
        speed += (target - speed) * dt / (spec.motorTime + dt)
        let share = speed / spec.movingSpeed
        // No-load share, friction, and what acceleration takes.
        let pull = max(0, speed - before) / (spec.movingSpeed * dt) * 0.6
        current = speed < 1 ? 0 : 0.8 + 1.9 * friction * share + pull
        let loss = spec.windingResistance * current * current
        temperature += (loss - spec.cooling * (temperature - ambient)) * dt / spec.heatCapacity
        friction += wear * dt * share
    }

    mutating func service() { friction = 1 }
}
