import EgizTesting
import EgizProcessors
import EgizTwin
import TestSupport
import Testing

@testable import EgizCore

@Suite struct TwinCacheTests {
    private func step() throws -> PartitionStep {
        let stage = EgizCore.Topology.testing().stages[0]
        return try PartitionStep(
            task: TaskID(stage: stage.name, partition: 0), stage: stage, registry: .builtin, tables: StreamTables())
    }

    private func process(_ step: PartitionStep, _ thing: String, at n: Int64) throws -> ThingID? {
        var value = telemetry(thing, at: n, "\"x\":\(n)")
        let verdict = try value.withUTF8 { bytes in
            try step.process(
                RawRecord(
                    topic: 0, partition: 0, offset: n, timestamp: time(n), key: nil,
                    value: UnsafeRawBufferPointer(bytes)))
        }
        if case .needs(let thing) = verdict { return thing }
        return nil
    }

    @Test func aMissingTwinIsAskedForAndNothingHasHappenedYet() throws {
        let step = try step()
        let asked = try process(step, "t:a", at: 1)
        #expect(asked?.text == "t:a")
        #expect(step.counters.records == 0)
        #expect(!step.hasOpenWork)
        try step.install([], asked: [try #require(asked)])
        #expect(try process(step, "t:a", at: 1) == nil)
        #expect(step.counters.records == 1)
    }

    @Test func whatAnUncommittedEpochTouchedStaysWhateverTheLimit() throws {
        let step = try step()
        let thing = try ThingID(validating: "t:a")
        let other = try ThingID(validating: "t:b")
        try step.install([], asked: [thing, other])
        _ = try process(step, "t:a", at: 1)
        let first = step.closeEpoch(1)
        _ = try process(step, "t:b", at: 2)
        // Epoch 0 is committed: epoch 1 pins `t:a`, the open one `t:b`.
        step.twins.evict(toBytes: 0, committed: 0)
        #expect(step.twins.contains(thing) && step.twins.contains(other))
        step.committed(1, output: first, cacheBytes: 0)
        #expect(!step.twins.contains(thing))
        #expect(step.twins.contains(other))
        let second = step.closeEpoch(2)
        step.committed(2, output: second, cacheBytes: 0)
        #expect(step.twins.count == 0)
        #expect(step.twins.bytes == 0)
    }

    @Test func onlyTheEpochThatCreatesAThingCallsItNew() throws {
        let step = try step()
        try step.install([], asked: [try ThingID(validating: "t:a")])
        _ = try process(step, "t:a", at: 1)
        let first = step.closeEpoch(1)
        #expect(first.twins.map(\.isNew) == [true])
        _ = try process(step, "t:a", at: 2)
        let second = step.closeEpoch(2)
        #expect(second.twins.map(\.isNew) == [false])
        step.committed(1, output: first, cacheBytes: 0)
        step.committed(2, output: second, cacheBytes: 0)
        // Out of the cache, and back with what the store has.
        try step.install(second.twins, asked: [try ThingID(validating: "t:a")])
        _ = try process(step, "t:a", at: 3)
        #expect(step.closeEpoch(3).twins.map(\.isNew) == [false])
    }

    @Test func anAbsenceIsRememberedAndEvictedLikeATwin() throws {
        let step = try step()
        let thing = try ThingID(validating: "t:a")
        try step.install([], asked: [thing])
        #expect(step.twins.contains(thing))
        let output = step.closeEpoch(1)
        #expect(output.twins.isEmpty)
        step.committed(1, output: output, cacheBytes: 0)
        #expect(!step.twins.contains(thing))
    }

    @Test func aTwinInHandIsNotReplacedByAnOlderRow() throws {
        let step = try step()
        let thing = try ThingID(validating: "t:a")
        try step.install([], asked: [thing])
        _ = try process(step, "t:a", at: 1)
        let row = try #require(step.closeEpoch(1).twins.first)
        _ = try process(step, "t:a", at: 2)
        try step.install([row], asked: [thing])
        #expect(step.closeEpoch(2).twins.first?.snapshot.revision == 2)
    }

    @Test(arguments: [Int.max, 4000, 0])
    func theLimitChangesWhatIsLoadedAndNothingElse(_ limit: Int) throws {
        let line = TopologyDriver(topology: .testing(), registry: .builtin, epochs: .explicit, cacheBytes: limit)
        var random = SeededGenerator(seed: 7)
        for n in 0..<500 {
            let thing = "t:m\(Int.random(in: 0..<40, using: &random))"
            try line.send("events", key: thing, value: telemetry(thing, at: Int64(n), "\"x\":\(n)"))
            if n % 9 == 0 { try line.commit() }
        }
        try line.commit()
        let rows = line.store.allTwins.values
        #expect(rows.reduce(0) { $0 + $1.snapshot.revision } == 500)
        #expect(line.store.allSeries.reduce(0) { $0 + line.store.samples($1).count } == 500)
        #expect(limit == .max || line.cached.bytes <= limit)
    }
}
