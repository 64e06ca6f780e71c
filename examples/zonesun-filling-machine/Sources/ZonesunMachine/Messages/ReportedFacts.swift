/// What a machine tells when it changes, not by the clock: compared with what was told last.
struct ReportedFacts: Sendable, Equatable {
    var status: MachineStatus
    var errorCode: ErrorCode
    var blockedNozzle: Int?
    var counters: ProductionCounters
    /// Stands for the volumes of the last cycle.
    var cycles: Int64
    var isRefilling: Bool

    init(_ machine: FillingMachine, _ readings: SensorReadings) {
        status = machine.status
        errorCode = machine.errorCode
        blockedNozzle = machine.blockedNozzle
        counters = machine.counters
        cycles = machine.cycles
        isRefilling = readings.isRefilling
    }
}
