extension FillingMachine {
    /// Reads all sensors. Their noise comes from `noise`, not from the machine, so that reading changes nothing.
    public func readings(noise: inout Xoshiro256) -> SensorReadings {
        let share = motor.speed / spec.movingSpeed
        let nominalFlow = 5.6e-4
        let vibration = 0.4 + 1.5 * share * share * motor.friction + 0.35 * flow / nominalFlow
        let mean = lastVolumes.isEmpty ? nil : lastVolumes.reduce(0, +) / Double(lastVolumes.count)
        return SensorReadings(
            temperature: headTemperature + noise.normal() * 0.05,
            pressure: max(0, manifoldPressure / 1000 + noise.normal() * 0.08),
            flow: flow == 0 ? 0 : max(0, flow * 1e6 + noise.normal() * 1.5),
            vibration: max(0, vibration * (1 + noise.normal() * 0.06)),
            fillLevel: mean.map { $0 / (spec.bottleVolume * 1e6) * 100 },
            tankLevel: min(100, max(0, tank.volume / spec.tankCapacity * 100 + noise.normal() * 0.05)),
            tankVolume: tank.volume * 1000,
            tankTemperature: tank.temperature + noise.normal() * 0.03,
            isRefilling: tank.isRefilling && tank.hasSupply,
            conveyorSpeed: lastCycleTime > 0 ? Double(spec.nozzles) * 60 / lastCycleTime : nil,
            motorSpeed: motor.speed < 1 ? 0 : max(0, motor.speed + noise.normal() * 4),
            motorCurrent: motor.current == 0 ? 0 : max(0, motor.current + noise.normal() * 0.03),
            motorTemperature: motor.temperature + noise.normal() * 0.1)
    }
}
