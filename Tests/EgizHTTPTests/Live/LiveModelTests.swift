import Testing

@testable import EgizHTTP

/// Whatever comes in whatever order, what the client has in the end is what is true.
@Suite(.timeLimit(.minutes(1))) struct LiveModelTests {
    @Test func inWhateverOrderThingsHappenTheClientEndsWithTheTruth() throws {
        var counts = LiveModel.Counts()
        for seed in 1...120 as ClosedRange<UInt64> {
            var model = LiveModel(seed: seed)
            for _ in 0..<400 { try model.step() }
            try model.settle()
            let faults = try model.faults()
            #expect(faults.isEmpty, "seed \(seed)")
            counts.resumed += model.counts.resumed
            counts.overflowed += model.counts.overflowed
            counts.rereads += model.counts.rereads
            counts.restarts += model.counts.restarts
            counts.compared += model.counts.compared
        }
        // Or the test says nothing.
        #expect(counts.compared > 200)
    }
}
