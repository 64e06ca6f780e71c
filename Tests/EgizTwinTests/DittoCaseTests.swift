import EgizTwin
import Testing

/// The corpus of Ditto behaviour; each case also shows that the reported leaves add up to the document.
struct DittoCaseTests {
    @Test func theCorpusIsThere() {
        #expect(DittoCase.all.count == 190)
    }

    @Test(arguments: DittoCase.all)
    func theFoldIsDittos(_ dittoCase: DittoCase) {
        let replay = Replay()
        for record in dittoCase.records { replay.feed(record) }
        #expect(replay.deadLetters == dittoCase.deadLetters)
        #expect(replay.ignored == dittoCase.ignored)
        #expect(replay.reasons == dittoCase.reasons)
        #expect(replay.counters == dittoCase.counters)
        #expect((replay.twin(dittoCase.thing)?.document ?? .null) == dittoCase.expected)
    }

    @Test(arguments: DittoCase.all)
    func aRestoredTwinGoesOnAsIfNothingHadHappened(_ dittoCase: DittoCase) throws {
        let whole = Replay()
        for record in dittoCase.records { whole.feed(record) }
        for k in 0...dittoCase.records.count {
            let replay = Replay()
            for record in dittoCase.records[..<k] { replay.feed(record) }
            for (thing, twin) in replay.twins {
                let restored = try Twin(restoring: twin.snapshot(), parser: replay.parser)
                #expect(restored.document == twin.document)
                #expect(restored.snapshot().document == twin.snapshot().document)
                #expect(restored.isDeleted == twin.isDeleted && restored.isKnown == twin.isKnown)
                replay.twins[thing] = restored
            }
            for record in dittoCase.records[k...] { replay.feed(record) }
            #expect(replay.reasons == whole.reasons)
            #expect(replay.counters == whole.counters)
            for (thing, twin) in whole.twins {
                let other = replay.twins[thing]
                #expect(other?.document == twin.document)
                #expect(other?.revision == twin.revision)
                #expect(other?.snapshot().timestamp == twin.snapshot().timestamp)
            }
        }
    }
}
