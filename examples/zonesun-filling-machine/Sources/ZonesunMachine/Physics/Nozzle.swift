/// One filling nozzle with its valve, its flow meter and the bottle below.
struct Nozzle: Sendable {
    /// How far the valve is open, 0 ... 1, and where the controller wants it.
    private(set) var opening = 0.0
    private var target = 0.0
    /// Free share of the bore: 1 is clean.
    private(set) var bore = 1.0
    /// Share of the bore that a growing clog closes each second.
    private var clogRate = 0.0
    /// Relative error of the flow meter.
    private(set) var meterBias: Double
    /// m³ in the bottle, and what the meter believes.
    private(set) var bottle = 0.0
    private var metered = 0.0
    /// Rejects in a row.
    private(set) var rejectsInRow = 0

    init(meterBias: Double) { self.meterBias = meterBias }

    var isClosed: Bool { target == 0 && opening < 0.01 }
    var isClogging: Bool { clogRate > 0 }

    /// m² that the product can pass, contraction included.
    func passage(_ spec: MachineSpec) -> Double { spec.dischargeCoefficient * spec.nozzleArea * opening * bore }

    mutating func open() {
        (target, bottle, metered) = (1, 0, 0)
    }

    mutating func close() { target = 0 }

    mutating func startClogging(rate: Double) { clogRate = rate }

    mutating func clean(meterBias: Double) {
        (bore, clogRate, rejectsInRow) = (1, 0, 0)
        self.meterBias = meterBias
    }

    /// Moves the valve, lets a clog grow, and lets the meter drift.
    mutating func step(_ dt: Double, drift: Double, spec: MachineSpec) {
        // Implicit Euler: never overshoots, whatever the step.
        opening += (target - opening) * dt / (spec.valveTime + dt)
        if target == 0, opening < 0.005 { opening = 0 }
        bore = max(0.25, bore - clogRate * dt)
        meterBias += drift
    }

    /// Books what flowed into the bottle and moves the valve: fully open, then nearly closed, then shut early by what still
    /// runs through the closing valve.
    mutating func fill(_ volume: Double, flow: Double, spec: MachineSpec) {
        bottle += volume
        metered += volume * (1 + meterBias)
        guard target > 0 else { return }
        if metered + flow * spec.valveTime >= spec.bottleVolume {
            target = 0
        } else if metered >= spec.bottleVolume * (1 - spec.finishShare) {
            target = spec.finishOpening
        }
    }

    /// Weighs the bottle and hands it on; returns the weighed volume in m³ and whether it is rejected.
    mutating func eject(weighingError: Double, spec: MachineSpec) -> (volume: Double, isReject: Bool) {
        let volume = max(0, bottle + weighingError)
        bottle = 0
        let deviation = (volume - spec.bottleVolume) / spec.bottleVolume
        let isReject = abs(deviation) > spec.tolerance
        rejectsInRow = isReject ? rejectsInRow + 1 : 0
        return (volume, isReject)
    }
}
