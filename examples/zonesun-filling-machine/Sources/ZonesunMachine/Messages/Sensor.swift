/// The values that are reported by turns, as they are, however little they changed.
enum Sensor: CaseIterable, Sendable {
    case temperature, pressure, flow, vibration, phase, fillLevel
    case tankLevel, tankVolume, tankTemperature
    case conveyorSpeed
    case motorSpeed, motorCurrent, motorTemperature

    /// Where it stands in the twin.
    var path: StaticString {
        switch self {
        case .temperature: "/features/filler/properties/temperature"
        case .pressure: "/features/filler/properties/pressure"
        case .flow: "/features/filler/properties/flow"
        case .vibration: "/features/filler/properties/vibration"
        case .phase: "/features/filler/properties/phase"
        case .fillLevel: "/features/filler/properties/fillLevel"
        case .tankLevel: "/features/tank/properties/level"
        case .tankVolume: "/features/tank/properties/volume"
        case .tankTemperature: "/features/tank/properties/temperature"
        case .conveyorSpeed: "/features/conveyor/properties/speed"
        case .motorSpeed: "/features/motor/properties/speed"
        case .motorCurrent: "/features/motor/properties/current"
        case .motorTemperature: "/features/motor/properties/temperature"
        }
    }
}
