// The parts of a twin, as both formats write them. Each writes one JSON value.
extension JSONText {
    mutating func sensor(_ sensor: Sensor, _ readings: SensorReadings, phase: CyclePhase) {
        switch sensor {
        case .temperature: number(readings.temperature, decimals: 2)
        case .pressure: number(readings.pressure, decimals: 2)
        case .flow: number(readings.flow, decimals: 1)
        case .vibration: number(readings.vibration, decimals: 3)
        case .phase: string(phase.rawValue)
        case .fillLevel: optional(readings.fillLevel, decimals: 2)
        case .tankLevel: number(readings.tankLevel, decimals: 2)
        case .tankVolume: number(readings.tankVolume, decimals: 3)
        case .tankTemperature: number(readings.tankTemperature, decimals: 2)
        case .conveyorSpeed: optional(readings.conveyorSpeed, decimals: 1)
        case .motorSpeed: number(readings.motorSpeed, decimals: 0)
        case .motorCurrent: number(readings.motorCurrent, decimals: 2)
        case .motorTemperature: number(readings.motorTemperature, decimals: 2)
        }
    }

    private mutating func optional(_ value: Double?, decimals: Int) {
        if let value { number(value, decimals: decimals) } else { raw("null") }
    }

    /// The properties of the feature `filler`. `message` is written as null where there is none and `withNull`, else left out.
    mutating func filler(_ machine: FillingMachine, _ readings: SensorReadings, withNull: Bool) {
        raw("{\"status\":")
        string(machine.status.rawValue)
        raw(",\"phase\":")
        string(machine.phase.rawValue)
        raw(",\"errorCode\":")
        int(Int64(machine.errorCode.rawValue))
        if let message = machine.errorCode.message {
            raw(",\"message\":")
            string(message)
        } else if withNull {
            raw(",\"message\":null")
        }
        raw(",\"temperature\":")
        number(readings.temperature, decimals: 2)
        raw(",\"pressure\":")
        number(readings.pressure, decimals: 2)
        raw(",\"flow\":")
        number(readings.flow, decimals: 1)
        raw(",\"vibration\":")
        number(readings.vibration, decimals: 3)
        if let level = readings.fillLevel {
            raw(",\"fillLevel\":")
            number(level, decimals: 2)
        }
        raw("}")
    }

    mutating func tank(_ readings: SensorReadings) {
        raw("{\"level\":")
        number(readings.tankLevel, decimals: 2)
        raw(",\"volume\":")
        number(readings.tankVolume, decimals: 3)
        raw(",\"temperature\":")
        number(readings.tankTemperature, decimals: 2)
        raw(",\"refilling\":")
        bool(readings.isRefilling)
        raw("}")
    }

    mutating func conveyor(_ machine: FillingMachine, _ readings: SensorReadings) {
        raw("{\"bottles\":")
        int(machine.counters.bottles)
        raw(",\"rejects\":")
        int(machine.counters.rejects)
        if let speed = readings.conveyorSpeed {
            raw(",\"speed\":")
            number(speed, decimals: 1)
        }
        raw("}")
    }

    mutating func motor(_ readings: SensorReadings) {
        raw("{\"speed\":")
        number(readings.motorSpeed, decimals: 0)
        raw(",\"current\":")
        number(readings.motorCurrent, decimals: 2)
        raw(",\"temperature\":")
        number(readings.motorTemperature, decimals: 2)
        raw("}")
    }

    mutating func volumes(_ machine: FillingMachine) {
        raw("[")
        for (index, volume) in machine.lastVolumes.enumerated() {
            if index > 0 { raw(",") }
            number(volume, decimals: 1)
        }
        raw("]")
    }

    mutating func blockedNozzle(_ machine: FillingMachine) {
        if let number = machine.blockedNozzle { int(Int64(number)) } else { raw("null") }
    }

    mutating func nozzles(_ machine: FillingMachine) {
        raw("{\"volumes\":")
        volumes(machine)
        raw(",\"blocked\":")
        blockedNozzle(machine)
        raw("}")
    }
}
