/// A Zonesun ZS-XYZ filling machine. A value: copy it, and the copy lives the same life.
///
/// Time moves in steps of 20 ms. Two machines with one seed are equal after equal time, however it was cut into calls and
/// however often their sensors were read.
public struct FillingMachine: Sendable {
    /// Microseconds in one step of the physics.
    public static let stepMicroseconds: Int64 = 20_000
    static let dt = Double(stepMicroseconds) / 1_000_000

    public let spec: MachineSpec
    public internal(set) var counters: ProductionCounters
    public internal(set) var balance: MassBalance
    public internal(set) var phase = CyclePhase.positioning
    public internal(set) var status = MachineStatus.running
    public internal(set) var errorCode = ErrorCode.none
    /// Number of the blocked nozzle, from 1; nil where none is known to be.
    public internal(set) var blockedNozzle: Int?
    /// ml in the bottles of the last cycle, by nozzle, as weighed; empty before the first.
    public internal(set) var lastVolumes: [Double] = []
    /// Cycles finished since the start.
    public internal(set) var cycles: Int64 = 0

    var random: Xoshiro256
    var tank: Tank
    var nozzles: [Nozzle]
    var motor: Motor
    /// °C of the hall.
    var ambient: Double
    /// Pa of the head air, and how far its regulator has drifted.
    var headPressure: Double
    var regulatorDrift = 0.0
    /// Pa before the nozzles, and m³/s through all of them.
    var manifoldPressure: Double
    var flow = 0.0
    /// °C of the product in the filling head.
    var headTemperature: Double
    /// Seconds left of the phase (or of standing), since the phase began, and of the last whole cycle.
    var remaining: Double
    var inPhase = 0.0
    var cycleTime = 0.0
    var lastCycleTime = 0.0
    /// Seconds until the supply of product comes back.
    var supplyLoss = 0.0

    private var carry: Int64 = 0

    /// `counters` let a machine go on where an earlier run ended.
    public init(seed: UInt64, spec: MachineSpec = MachineSpec(), counters: ProductionCounters = ProductionCounters()) {
        var random = Xoshiro256(seed: seed)
        ambient = random.uniform(19...23)
        tank = Tank(
            volume: spec.tankCapacity * random.uniform(0.5...spec.refillUntil), temperature: random.uniform(14...18))
        nozzles = (0..<spec.nozzles).map { _ in Nozzle(meterBias: random.normal() * 0.002) }
        motor = Motor(temperature: random.uniform(40...58), friction: random.uniform(1...1.15))
        headPressure = spec.headPressure
        manifoldPressure = headPressure + spec.density * spec.gravity * tank.volume / spec.tankArea
        headTemperature = tank.temperature
        // Machines of one hall do not run in step.
        remaining = random.uniform(0.2...8)
        self.spec = spec
        self.counters = counters
        balance = MassBalance(initial: tank.volume)
        self.random = random
    }

    /// A nozzle clogs at once, three quarters of its bore; somebody cleans it after the machine has stopped for it. Chance goes on as it
    /// would have.
    ///
    /// - Parameter nozzle: from 1; there is nothing to clog beyond the last.
    public mutating func clog(nozzle: Int) {
        guard nozzles.indices.contains(nozzle - 1) else { return }
        nozzles[nozzle - 1].startClogging(rate: 100)
    }

    /// m³ in the tank.
    public var tankVolume: Double { tank.volume }

    /// Lets `seconds` of machine time pass; negative ones do nothing.
    public mutating func step(seconds: Double) {
        guard seconds > 0 else { return }
        advance(microseconds: Int64((seconds * 1_000_000).rounded()))
    }

    /// The same in microseconds. What does not fill a step is kept for the next call.
    public mutating func advance(microseconds: Int64) {
        carry += max(0, microseconds)
        while carry >= Self.stepMicroseconds {
            carry -= Self.stepMicroseconds
            stepOnce()
        }
    }
}
