import EgizTwin
import TestSupport
import Testing

/// Long random lives: the twin, the naive fold and the reported leaves must agree after every event.
struct RandomStreamTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func theTwinIsWhatTheSpecificationSays(_ seed: UInt64) throws {
        var events = RandomEvents(random: SeededGenerator(seed: seed))
        let replay = Replay()
        var expected: JSONObject?
        for revision in 1...120 as ClosedRange<Int64> {
            var (path, value) = events.target()
            var action = events.pick(["created", "modified", "merged", "merged", "deleted"])
            if expected == nil { (action, path, value) = ("created", [], events.whole()) }
            if path.isEmpty, action == "deleted", !events.chance(20) { action = "modified" }
            replay.feed(RandomEvents.record(action, path, value, revision))
            expected = NaiveFold.apply(action, path, value, revision, to: expected ?? JSONObject())
            #expect(replay.reasons.isEmpty)
            let document = replay.twin(RandomEvents.thing)?.document
            #expect(document == expected.map { .object($0) }, "\(action) \(path) \(value)")
            if events.chance(10), let twin = replay.twin(RandomEvents.thing) {
                let restored = try Twin(restoring: twin.snapshot(), parser: replay.parser)
                #expect(restored.document == document)
                replay.twins[twin.thing] = restored
            }
        }
    }

    @Test func mutilatedRecordsNeverTrapAndNeverHalfApply() {
        var random = SeededGenerator(seed: 11)
        let records = DittoCase.all.flatMap(\.records).compactMap { $0 }.filter { $0.count < 3000 }
        for _ in 0..<60 {
            // One life: most records whole, some with a few bytes changed; Replay checks every outcome.
            let replay = Replay()
            for _ in 0..<40 {
                guard var record = records.randomElement(using: &random) else { return }
                if Bool.random(using: &random) {
                    for _ in 0..<Int.random(in: 1...3, using: &random) where !record.isEmpty {
                        let index = Int.random(in: record.indices, using: &random)
                        record[index] = Array("{}[]\",:0-~/eaN\\".utf8).randomElement(using: &random) ?? 0
                    }
                }
                replay.feed(record, Int.random(in: 0..<8, using: &random) == 0 ? .telemetry : .ditto)
            }
        }
    }
}
