extension FillingMachine {
    /// One fixed step: surroundings, mishaps, flow, tank, motor, then the controller.
    mutating func stepOnce() {
        let dt = Self.dt
        ambient += (21 - ambient) * dt / 7200 + random.normal() * 0.002 * dt.squareRoot()
        stepMishaps(dt)
        stepFlow(dt)
        let inflow = tank.step(dt, ambient: ambient, spec: spec)
        balance.refilled += inflow
        // The head warms to the hall while nothing flows, and takes the product's temperature quickly while it does.
        let exchange = flow > 0 ? (tank.temperature - headTemperature) / 2 : (ambient - headTemperature) / 600
        headTemperature += exchange * dt
        motor.step(dt, target: motorTarget, ambient: ambient, wear: 0.08 / 3600, spec: spec)
        stepController(dt)
    }

    private var motorTarget: Double {
        switch phase {
        case .positioning, .ejecting: spec.movingSpeed
        case .filling, .dwelling: spec.holdingSpeed
        case .standing: 0
        }
    }

    /// Clogs begin now and then, and the supply of product fails more rarely.
    private mutating func stepMishaps(_ dt: Double) {
        if status == .running, random.happens(within: dt, onceIn: spec.meanTimeToClog) {
            let victim = Int(random.next() % UInt64(nozzles.count))
            // Half of the bore within one to three minutes.
            if !nozzles[victim].isClogging { nozzles[victim].startClogging(rate: 0.5 / random.uniform(60...180)) }
        }
        if supplyLoss > 0 {
            supplyLoss -= dt
        } else if random.happens(within: dt, onceIn: spec.meanTimeToSupplyLoss) {
            supplyLoss = random.uniform(180...600)
        }
        tank.hasSupply = supplyLoss <= 0
    }

    /// Orifice flow through all open nozzles out of one line.
    ///
    /// With `G = Σ Cd·A` the flow is `Q = G·√(2Δp/ρ)` and the pressure before the nozzles `Δp = p - k·Q²`; together
    /// `Δp = p / (1 + 2kG²/ρ)`. So a clogged nozzle raises the pressure, and the flow of its neighbours.
    private mutating func stepFlow(_ dt: Double) {
        regulatorDrift += (-regulatorDrift / 1800 + random.normal() * 12 / dt.squareRoot()) * dt
        headPressure += (spec.headPressure + regulatorDrift - headPressure) * dt / 0.8
        var passage = 0.0
        for index in nozzles.indices {
            nozzles[index].step(dt, drift: random.normal() * 0.00002 * dt.squareRoot(), spec: spec)
            passage += nozzles[index].passage(spec)
        }
        let column = spec.density * spec.gravity * tank.volume / spec.tankArea
        let source = headPressure + column
        manifoldPressure = source / (1 + 2 * spec.lineLoss * passage * passage / spec.density)
        let speed = (2 * max(0, manifoldPressure) / spec.density).squareRoot()
        let hasBottles = phase == .filling || phase == .dwelling
        flow = 0
        for index in nozzles.indices {
            let wanted = nozzles[index].passage(spec) * speed
            let volume = tank.take(wanted * dt)
            flow += volume / dt
            if hasBottles {
                balance.filled += volume
                nozzles[index].fill(volume, flow: wanted, spec: spec)
            } else {
                balance.spilled += volume + tank.take(spec.drip * dt)
            }
        }
    }
}
