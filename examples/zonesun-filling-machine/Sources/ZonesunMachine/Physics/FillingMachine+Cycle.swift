extension FillingMachine {
    /// The controller: position, fill, dwell, eject; and what it does when something is wrong.
    mutating func stepController(_ dt: Double) {
        remaining -= dt
        inPhase += dt
        cycleTime += dt
        switch phase {
        case .positioning:
            guard remaining <= 0 else { return }
            startFilling()
        case .filling:
            if inPhase >= spec.fillTimeout {
                for index in nozzles.indices { nozzles[index].close() }
            }
            // Dwelling still counts into the bottles, so it may begin while the valves move.
            if nozzles.allSatisfy(\.isClosed) { enter(.dwelling, for: 0.4) }
        case .dwelling:
            guard remaining <= 0 else { return }
            enter(.ejecting, for: 0.9)
        case .ejecting:
            guard remaining <= 0 else { return }
            finishCycle()
        case .standing:
            stepStanding()
        }
    }

    private mutating func enter(_ next: CyclePhase, for seconds: Double) {
        phase = next
        remaining = seconds
        inPhase = 0
    }

    private mutating func startFilling() {
        guard tank.volume >= spec.emptyBelow * spec.tankCapacity else { return stop(.tankEmpty) }
        guard motor.temperature < spec.motorLimit else { return stop(.motorOverheated) }
        for index in nozzles.indices { nozzles[index].open() }
        enter(.filling, for: spec.fillTimeout)
    }

    private mutating func finishCycle() {
        lastVolumes.removeAll(keepingCapacity: true)
        var blocked: Int?
        for index in nozzles.indices {
            let (volume, isReject) = nozzles[index].eject(weighingError: random.normal() * 0.4e-6, spec: spec)
            lastVolumes.append(volume * 1e6)
            counters.bottles += 1
            if isReject { counters.rejects += 1 }
            if nozzles[index].rejectsInRow >= 3 { blocked = blocked ?? index + 1 }
        }
        cycles += 1
        (lastCycleTime, cycleTime) = (cycleTime, 0)
        if let blocked {
            blockedNozzle = blocked
            stop(.nozzleBlocked)
        } else {
            enter(.positioning, for: random.uniform(1.4...1.6))
        }
    }

    private mutating func stop(_ code: ErrorCode) {
        (status, errorCode) = (.fault, code)
        // Until somebody comes; an empty tank and a hot motor need nobody.
        enter(.standing, for: random.uniform(20...60))
    }

    private mutating func stepStanding() {
        switch (status, errorCode) {
        case (.fault, .tankEmpty):
            guard tank.volume >= spec.refillBelow / 2 * spec.tankCapacity else { return }
            resume()
        case (.fault, .motorOverheated):
            guard motor.temperature < spec.motorRestart else { return }
            // Cool enough to be opened: new bearings.
            beginMaintenance()
        case (.fault, _):
            guard remaining <= 0 else { return }
            beginMaintenance()
        case (.maintenance, _), (.running, _):
            guard remaining <= 0 else { return }
            for index in nozzles.indices { nozzles[index].clean(meterBias: random.normal() * 0.002) }
            motor.service()
            resume()
        }
    }

    private mutating func beginMaintenance() {
        status = .maintenance
        enter(.standing, for: random.uniform(30...90))
    }

    private mutating func resume() {
        (status, errorCode, blockedNozzle) = (.running, .none, nil)
        cycleTime = 0
        enter(.positioning, for: random.uniform(1.4...1.6))
    }
}
