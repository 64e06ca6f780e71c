/// Turns one machine's life into plain telemetry: each record carries all properties of one feature, by turns; the filler,
/// where most happens, every second time.
struct TelemetryReporter: Sendable {
    private let prefix: [UInt8]
    private var turn = 0

    init(_ identity: MachineIdentity) {
        prefix = Array("{\"thingId\":\"\(identity.thingID)\",\"timestamp\":".utf8)
    }

    /// Writes the next record of `machine` at `time` (microseconds since 1970) into `json`.
    mutating func write(
        _ machine: FillingMachine, _ readings: SensorReadings, at time: Int64, into json: inout JSONText
    ) {
        json.clear()
        json.raw(prefix)
        json.timestamp(time)
        json.raw(",\"features\":{")
        switch turn {
        case 1:
            json.raw("\"tank\":")
            json.tank(readings)
        case 3:
            json.raw("\"conveyor\":")
            json.conveyor(machine, readings)
        case 5:
            json.raw("\"motor\":")
            json.motor(readings)
        case 7:
            json.raw("\"nozzles\":")
            json.nozzles(machine)
        default:
            json.raw("\"filler\":")
            // Telemetry is merged: null takes the message of a past error away.
            json.filler(machine, readings, withNull: true)
        }
        json.raw("}}")
        turn = (turn + 1) % 8
    }
}
