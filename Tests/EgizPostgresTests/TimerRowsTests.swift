import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@Suite struct TimerRowsTests {
    let database: TestDatabase

    init() throws { database = try TestDatabase() }

    /// It was cancelled, or fired, and was set once more: both are of one epoch, and the setting came last.
    @Test func aTimerThatOneEpochRemovesAndSetsStays() throws {
        let store = database.store()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let timer = TaskTimer(
            due: EventTime(microseconds: Epochs.start), processor: "windows", thing: try ThingID(validating: "a:b"))
        let writer = database.writer()
        for (number, removed) in [(1, []), (2, [timer])] {
            let epoch = Epochs.write([Epochs.advance(lease, Int64(number))])
            epoch.timers = [TimerChange(task: Epochs.task(), set: [timer], removed: removed)]
            #expect(try writer.commit(epoch).isCommitted)
            #expect(try store.timers(of: Epochs.task(), after: nil, limit: 10) == [timer])
        }
    }
}
