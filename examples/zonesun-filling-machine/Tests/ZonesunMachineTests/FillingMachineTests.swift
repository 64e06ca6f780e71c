import Testing

@testable import ZonesunMachine

struct FillingMachineTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func whatTheTankLostWasFilledOrSpilled(seed: UInt64) {
        var machine = FillingMachine(seed: seed)
        for _ in 0..<60 {
            machine.step(seconds: 60)
            #expect(abs(machine.tankVolume - machine.balance.expected) < 1e-9)
        }
        #expect(machine.balance.filled > 0.3)
        #expect(machine.balance.refilled > 0.3)
        #expect(machine.balance.spilled > 0)
        #expect(machine.balance.spilled < machine.balance.filled / 100)
    }

    @Test func bottlesHoldWhatWasFilled() {
        var machine = FillingMachine(seed: 7, spec: .faultless)
        machine.step(seconds: 3600)
        let perBottle = machine.balance.filled / Double(machine.counters.bottles)
        #expect(abs(perBottle - 0.5e-3) < 0.5e-3 * 0.02)
        #expect(machine.counters.bottles > 1200)
        #expect(machine.counters.bottles < 3000)
    }

    @Test func countersNeverFall() {
        var machine = FillingMachine(seed: 11, counters: ProductionCounters(bottles: 400, rejects: 9))
        var before = machine.counters
        #expect(before == ProductionCounters(bottles: 400, rejects: 9))
        var fallen: [ProductionCounters] = []
        for _ in 0..<8000 {
            machine.step(seconds: 0.5)
            let now = machine.counters
            if now.bottles < before.bottles || now.rejects < before.rejects || now.rejects > now.bottles {
                fallen.append(now)
            }
            before = now
        }
        #expect(fallen.isEmpty)
        #expect(before.bottles > 1500)
    }

    @Test func aFailingNozzleRaisesRejectsThenStopsTheMachineUntilItIsCleaned() {
        var machine = FillingMachine(seed: 3, spec: .faultless)
        machine.step(seconds: 300)
        let healthy = machine.counters
        #expect(healthy.rejects * 100 <= healthy.bottles)
        machine.nozzles[2].startClogging(rate: 0.5 / 60)

        var seen: [MachineStatus] = [.running]
        var blocked: Int?
        var errorCode = ErrorCode.none
        for _ in 0..<30_000 where seen.count < 4 {
            machine.step(seconds: 0.02)
            if machine.status != seen.last { seen.append(machine.status) }
            if machine.status == .fault { (blocked, errorCode) = (machine.blockedNozzle, machine.errorCode) }
        }
        #expect(seen == [.running, .fault, .maintenance, .running])
        #expect(errorCode == .nozzleBlocked)
        #expect(blocked == 3)
        #expect(machine.counters.rejects - healthy.rejects >= 3)
        #expect(machine.blockedNozzle == nil)
        #expect(machine.errorCode == .none)
        #expect(machine.nozzles[2].bore == 1)
    }

    @Test func aCloggedNozzleRaisesThePressureOfTheOthers() {
        var clean = FillingMachine(seed: 5, spec: .faultless)
        while clean.phase != .filling { clean.step(seconds: 0.02) }
        var clogged = clean
        clogged.nozzles[0].startClogging(rate: 5)
        clean.step(seconds: 1)
        clogged.step(seconds: 1)
        #expect(clogged.manifoldPressure > clean.manifoldPressure)
        #expect(clogged.flow < clean.flow)
    }

    @Test func withoutSupplyTheMachineStopsAndGoesOnWhenItReturns() {
        var machine = FillingMachine(seed: 9, spec: .faultless)
        machine.supplyLoss = 1200
        machine.step(seconds: 1100)
        #expect(machine.status == .fault)
        #expect(machine.errorCode == .tankEmpty)
        #expect(machine.tankVolume >= 0)
        let atStop = machine.counters.bottles
        machine.step(seconds: 300)
        #expect(machine.status == .running)
        #expect(machine.counters.bottles > atStop)
    }

    @Test func aHotMotorStopsTheMachineUntilItIsServiced() {
        var machine = FillingMachine(seed: 9, spec: .faultless)
        machine.motor = Motor(temperature: 96, friction: 2)
        machine.step(seconds: 20)
        #expect(machine.errorCode == .motorOverheated)
        machine.step(seconds: 3 * 3600)
        #expect(machine.status == .running)
        #expect(machine.motor.friction < 1.5)
    }

    @Test func sameSeedSameRunHoweverTimeIsCut() {
        var coarse = FillingMachine(seed: 42)
        var fine = FillingMachine(seed: 42)
        var noise = Xoshiro256(seed: 1)
        coarse.step(seconds: 1800)
        for _ in 0..<240_000 {
            fine.advance(microseconds: 7500)
            _ = fine.readings(noise: &noise)
        }
        #expect(coarse.counters == fine.counters)
        #expect(coarse.balance == fine.balance)
        #expect(coarse.motor.temperature == fine.motor.temperature)
        #expect(coarse.lastVolumes == fine.lastVolumes)

        var other = FillingMachine(seed: 43)
        other.step(seconds: 1800)
        #expect(other.balance != coarse.balance)
    }

    @Test func readingsStayWithinTheBoundsOfTheMachine() {
        var noise = Xoshiro256(seed: 2)
        var outside: [SensorReadings] = []
        for seed in UInt64(1)...4 {
            var machine = FillingMachine(seed: seed)
            for _ in 0..<3000 {
                machine.step(seconds: 1.7)
                let readings = machine.readings(noise: &noise)
                if !readings.arePlausible { outside.append(readings) }
            }
        }
        #expect(outside.isEmpty)
    }

    @Test func mishapsHappenInALongRun() {
        var rejects: Int64 = 0
        var bottles: Int64 = 0
        var faults = 0
        for seed in UInt64(1)...4 {
            var machine = FillingMachine(seed: seed)
            var before = machine.status
            for _ in 0..<1440 {
                machine.step(seconds: 10)
                if machine.status == .fault, before != .fault { faults += 1 }
                before = machine.status
            }
            rejects += machine.counters.rejects
            bottles += machine.counters.bottles
        }
        #expect(faults > 5)
        // Rejects are a small share of a healthy production.
        #expect(rejects > bottles / 2000)
        #expect(rejects < bottles / 20)
    }
}

extension MachineSpec {
    /// Nothing clogs and the supply never fails, unless the test says so.
    static var faultless: MachineSpec {
        var spec = MachineSpec()
        spec.meanTimeToClog = .infinity
        spec.meanTimeToSupplyLoss = .infinity
        return spec
    }
}

extension SensorReadings {
    /// Within what a machine of this kind can show, broken or not.
    fileprivate var arePlausible: Bool {
        (5...40).contains(temperature) && (20...50).contains(pressure) && (0...750).contains(flow)
            && (0...8).contains(vibration) && (0...100).contains(tankLevel) && (0...120).contains(tankVolume)
            && (5...40).contains(tankTemperature) && (0...1500).contains(motorSpeed) && (0...12).contains(motorCurrent)
            && (10...110).contains(motorTemperature) && (20...130).contains(fillLevel ?? 100)
            && (0...60).contains(conveyorSpeed ?? 30)
    }
}
