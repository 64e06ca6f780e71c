import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Foundation
import Testing

@testable import EgizRuntime

/// Rule 7: a trap must not become a crash loop.
@Suite struct CrashGuardTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("egiz-guard-\(UUID())").path

    private func check(_ bench: Bench) throws(EngineError) {
        try CrashGuard.check(folder: folder, stage: bench.stage, topics: ["events"])
    }

    /// What is left of a process that ended inside a record.
    private func crash(_ bench: Bench, at offset: Int64) throws {
        let crashed = try #require(CrashGuard(folder: folder, stage: bench.stage))
        crashed.enter(topic: 0, partition: 3, offset: offset)
    }

    @Test func threeCrashesAtOnePositionStopTheTopologyAndTheOthersRun() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bench = Bench()
        for _ in 0..<2 {
            try crash(bench, at: 17)
            try check(bench)
        }
        try crash(bench, at: 17)
        var other = Topology.testing(name: "other", topics: ["elsewhere"])
        other.sourceText = "other"
        bench.log.createTopic("elsewhere", partitions: 1)
        let folder = folder
        let worker = bench.worker(topologies: [bench.topology, other]) { $0.guardFolder = folder }
        bench.push("t:x", 1, topic: "elsewhere")
        let stage = other.stages[0].name
        #expect(
            await bench.store.eventually {
                $0.position(of: TaskID(stage: stage, partition: 0), topic: "elsewhere") == 1
            })
        // Its end has been waited for: what failed has said so by then.
        try? await worker.stop()
        let failed = worker.worker.statuses.filter { if case .failed = $0.state { true } else { false } }
        #expect(failed.map(\.stage) == [bench.stage])
        if case .failed(let why)? = failed.first?.state { #expect(why.contains("events[3] offset 17")) }
    }

    @Test func crashesAtDifferentPositionsAreNoLoop() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bench = Bench()
        for offset in 0..<10 {
            try crash(bench, at: Int64(offset))
            try check(bench)
        }
    }

    @Test func aProcessThatEndsBetweenRecordsIsNoCrash() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bench = Bench()
        for _ in 0..<5 {
            let left = try #require(CrashGuard(folder: folder, stage: bench.stage))
            left.enter(topic: 0, partition: 3, offset: 5)
            left.leave()
            try check(bench)
        }
    }

    /// A review, a message of a person and a timer of an idle task run processors as well.
    @Test func whatRunsWithoutARecordIsGuarded() async throws {
        let folder = folder
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let notes = Witness.Notes(folder: folder)
        let witness = ProcessorDefinition(
            name: "witness", kind: "witness", from: "twins", settings: [:], mark: SourceMark(line: 1, column: 1))
        let bench = Bench(
            .testing(idle: .milliseconds(20), further: [witness]),
            registry: ProcessorRegistry(
                ProcessorRegistry.builtin.entries + [.init(Witness.self) { _ in Witness(notes) }]))
        bench.push(0..<3)
        let first = bench.worker("w1") { $0.guardFolder = folder }
        #expect(await bench.caughtUp())
        bench.store.send(
            "clear", to: "witness", of: bench.task(), thing: try ThingID(validating: "t:m1"), subject: "x", by: nil)
        #expect(await bench.store.eventually { _ in !notes["message"].isEmpty && !notes["tick"].isEmpty })
        try await first.stop()
        notes.fingerprint = 2
        let second = bench.worker("w2") { $0.guardFolder = folder }
        #expect(await bench.store.eventually { _ in notes["review"].count >= 3 })
        try await second.stop()
        for call in ["record", "message", "tick", "review"] {
            #expect(!notes[call].isEmpty && notes[call].allSatisfy { $0 }, "\(call): \(notes[call])")
        }
    }

    @Test func aLivingThreadOfAnotherProcessIsNoCrash() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let bench = Bench()
        let living = try #require(CrashGuard(folder: folder, stage: bench.stage))
        living.enter(topic: 0, partition: 3, offset: 5)
        for _ in 0..<5 { try check(bench) }
        let second = try #require(CrashGuard(folder: folder, stage: bench.stage))
        second.leave()
        living.leave()
    }
}
