import Foundation
import Testing

@testable import ZonesunMachine

struct SimulationTests {
    /// 2026-03-02T06:00:00Z.
    private static let start: Int64 = 1_772_431_200_000_000

    private func run(
        _ mix: MachineMix = .both, machines: Int = 10, rate: Double = 50, seed: UInt64 = 1, events: Int,
        positions: [String: TwinPosition] = [:]
    ) throws -> [MemorySink.Record] {
        var simulation = Simulation(
            Simulation.Configuration(machines: mix.machines(machines), rate: rate, seed: seed, start: Self.start),
            positions: positions)
        var sink = MemorySink()
        for _ in 0..<events { try simulation.emit(to: &sink) }
        #expect(simulation.count == Int64(events))
        return sink.records
    }

    private func object(_ record: MemorySink.Record) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(record.value)) as? [String: Any])
    }

    @Test func machinesOfBothKindsNeverShareAnID() {
        let machines = MachineMix.both.machines(11)
        #expect(machines.count == 11)
        #expect(machines.first?.thingID == "zonesun.hall3:filler-01")
        #expect(machines[5].thingID == "zonesun.hall3:filler-06")
        #expect(machines[6].thingID == "zonesun.hall4:filler-07")
        #expect(machines.last?.thingID == "zonesun.hall4:filler-11")
        #expect(Set(machines.map(\.thingID)).count == 11)
        #expect(MachineMix.telemetry.machines(1).map(\.thingID) == ["zonesun.hall4:filler-01"])
        #expect(MachineMix.ditto.machines(120).last?.name == "filler-120")
        #expect(
            MachineMix.both.machines(2, hall: "hall5").map(\.thingID) == [
                "zonesun.hall5:filler-01", "zonesun.hall5:filler-02",
            ])
        #expect(MachineMix.both.machines(0).isEmpty)
    }

    @Test func everyRecordIsJSONKeyedByItsThing() throws {
        for record in try run(events: 4000) {
            let json = try object(record)
            let key = String(decoding: record.key, as: UTF8.self)
            if record.format == .telemetry {
                #expect(json["thingId"] as? String == key)
                #expect((json["features"] as? [String: Any])?.count == 1)
            } else {
                let thing = key.replacingOccurrences(of: ":", with: "/")
                #expect((json["topic"] as? String)?.hasPrefix("\(thing)/things/twin/events/") == true)
            }
            #expect(json["timestamp"] as? String != nil)
            #expect(record.value.count < 1600)
        }
    }

    @Test func revisionsRiseByOneAndTheFoldHoldsWhatTheMachineIs() throws {
        let records = try run(.ditto, machines: 2, rate: 10, events: 30_000)
        for machine in MachineMix.ditto.machines(2) {
            var fold = DittoFold()
            for record in records where record.key == Array(machine.thingID.utf8) { try fold.apply(record) }
            #expect(fold.revision == 15_000)
            #expect(fold.thing?["thingId"] as? String == machine.thingID)
            #expect(fold.value("attributes/serial") as? String == machine.serialNumber)
            // 3000 s of machine time: a bottle every two seconds, and all of them told.
            #expect((fold.value("features/conveyor/properties/bottles") as? Int ?? 0) > 800)
            #expect((fold.value("features/nozzles/properties/volumes") as? [Double])?.count == 4)
            #expect(fold.value("features/motor/properties/temperature") is Double)
            #expect(fold.actions["created"] == 1)
            #expect((fold.actions["merged"] ?? 0) > 50)
            #expect((fold.actions["modified"] ?? 0) > 14_000)
        }
    }

    @Test func anErrorMessageAppearsWithItsCodeAndIsDeletedAfterwards() throws {
        var fold = DittoFold()
        var codes: Set<Int> = []
        for record in try run(.ditto, machines: 1, rate: 2, events: 30_000) {
            try fold.apply(record)
            codes.insert(fold.value("features/filler/properties/errorCode") as? Int ?? -1)
        }
        #expect(codes.contains(ErrorCode.nozzleBlocked.rawValue))
        #expect((fold.actions["deleted"] ?? 0) > 0)
    }

    @Test func aLaterRunGoesOnFromTheTwin() throws {
        var fold = DittoFold()
        let id = "zonesun.hall3:filler-01"
        for record in try run(.ditto, machines: 1, events: 5000) { try fold.apply(record) }
        let bottles = try #require(fold.value("features/conveyor/properties/bottles") as? Int64)
        let position = TwinPosition(revision: fold.revision, counters: ProductionCounters(bottles: bottles))
        let second = try run(.ditto, machines: 1, seed: 2, events: 5000, positions: [id: position])
        for record in second { try fold.apply(record) }
        #expect(fold.revision == 10_000)
        #expect(fold.actions["created"] == 1)
        #expect((fold.value("features/conveyor/properties/bottles") as? Int64 ?? 0) > bottles)
    }

    @Test func sameSeedSameBytes() throws {
        #expect(try run(seed: 5, events: 3000) == run(seed: 5, events: 3000))
        #expect(try run(seed: 5, events: 3000) != run(seed: 6, events: 3000))
    }

    @Test func aMachineLivesTheSameLifeWhoeverElseIsThere() throws {
        let one = try run(.ditto, machines: 1, rate: 5, events: 500).map(\.text)
        let few = try run(.ditto, machines: 4, rate: 20, events: 2000)
        #expect(one == few.filter { $0.key == Array("zonesun.hall3:filler-01".utf8) }.map(\.text))
    }

    @Test func eventTimeFollowsTheRate() throws {
        let records = try run(rate: 200, events: 1001)
        #expect(records.first?.time == Self.start)
        #expect(records.last?.time == Self.start + 5_000_000)
        #expect(zip(records, records.dropFirst()).allSatisfy { $0.time < $1.time })
    }

    @Test func whatASinkRefusesEndsTheRun() {
        struct Full: Error {}
        struct FullSink: EventSink {
            func send(_ format: MessageFormat, key: [UInt8], value: [UInt8], time: Int64) throws { throw Full() }
        }
        var simulation = Simulation(
            Simulation.Configuration(machines: MachineMix.both.machines(2), rate: 1, seed: 1, start: 0))
        var sink = FullSink()
        #expect(throws: Full.self) { try simulation.emit(to: &sink) }
    }

    @Test func anInjectedClogShowsInTheBottlesOfItsNozzleAndChangesNoOtherMachine() throws {
        func records(_ clogs: [InjectedClog]) throws -> [MemorySink.Record] {
            var simulation = Simulation(
                .init(machines: MachineMix.telemetry.machines(3), rate: 15, seed: 5, start: Self.start, clogs: clogs))
            var sink = MemorySink()
            for _ in 0..<900 { try simulation.emit(to: &sink) }
            return sink.records
        }
        let calm = try records([])
        let clogged = try records([InjectedClog(machine: 2, nozzle: 3, at: 20_000_000)])
        for (a, b) in zip(calm, clogged) where a.key != Array("zonesun.hall4:filler-02".utf8) {
            #expect(a.value == b.value)
        }
        #expect(zip(calm, clogged).prefix(300).allSatisfy { $0.value == $1.value }, "before it happens")
        // Within the first bottle after it.
        let volumes = try clogged.filter { $0.key == Array("zonesun.hall4:filler-02".utf8) }.compactMap { record in
            ((try object(record)["features"] as? [String: Any])?["nozzles"] as? [String: Any])?["volumes"] as? [Double]
        }
        let worst = volumes.compactMap { $0.count == 4 ? $0[2] : nil }.min() ?? 500
        #expect(worst < 400)
        let others = volumes.flatMap { $0.count == 4 ? [$0[0], $0[1], $0[3]] : [] }
        #expect(others.allSatisfy { $0 > 480 })
    }
}
