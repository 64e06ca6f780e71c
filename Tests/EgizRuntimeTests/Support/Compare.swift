import EgizCore
import EgizTesting
import EgizTwin
import Testing

/// Expects two stores to hold the same twins, samples, dead letters and counters, and no sample written twice.
func expectEqual(
    _ store: MemoryStore, _ fold: MemoryStore, stage: StageName, sourceLocation: SourceLocation = #_sourceLocation
) {
    let twins = store.allTwins
    let expected = fold.allTwins
    #expect(Set(twins.keys) == Set(expected.keys), sourceLocation: sourceLocation)
    for (thing, row) in expected {
        #expect(twins[thing].map { text($0) } == text(row), sourceLocation: sourceLocation)
    }
    #expect(Set(store.allSeries) == Set(fold.allSeries), sourceLocation: sourceLocation)
    for series in fold.allSeries {
        #expect(store.samples(series) == fold.samples(series), sourceLocation: sourceLocation)
        #expect(
            store.writtenSamples(series).count == fold.writtenSamples(series).count,
            "samples of \(series) were doubled or lost",
            sourceLocation: sourceLocation)
    }
    #expect(places(store) == places(fold), sourceLocation: sourceLocation)
    #expect(store.counters(of: stage) == fold.counters(of: stage), sourceLocation: sourceLocation)
}

private func text(_ row: TwinRow) -> String {
    "\(row.snapshot.revision) \(row.position.topic)[\(row.position.partition)]@\(row.position.offset) "
        + "\(row.snapshot.document.map { String(decoding: $0, as: UTF8.self) } ?? "deleted")"
}

private func places(_ store: MemoryStore) -> [String] {
    store.allDeadLetters.map { "\($0.code) \($0.position.topic)[\($0.position.partition)]@\($0.position.offset)" }
        .sorted()
}
