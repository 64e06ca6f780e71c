import EgizCore
import EgizRuntime
import EgizTwin
import TestSupport
import Testing

@testable import EgizPostgres

/// What a thing was like at a time, and of how much of it that is known.
@Suite struct HistoryStateTests {
    @Test func theStateAtATimeIsTheLastSampleOfEachPathInAllForms() async throws {
        let database = try TestDatabase()
        let lease = try #require(database.store().acquire([Epochs.task()], partitions: 1, topologyVersion: 1).first)
        let writer = database.writer()
        let pool = PostgresPool(url: database.url, applicationName: "state", size: 1)
        let hour: Int64 = 3_600_000_000
        let thing = try ThingID(validating: "a:b")
        let keys = ["/p", "/q", "/r"].map { SeriesKey(thing: thing, path: $0) }
        let others = try (0..<10).map { try Epochs.key("c:\($0)", "/p") }
        let gone = SeriesColumn(series: keys[1], kind: .absent)
        gone.append(time: Epochs.start + 2 * hour)
        // Compacted, of two kinds; then a block; then a segment of the future.
        _ = try writer.commit(
            Epochs.write(
                [Epochs.advance(lease, 1)],
                [
                    Epochs.numbers(keys[0], (0..<60).map { (Epochs.start + $0 * 60_000_000, Double($0)) }),
                    Epochs.numbers(keys[1], [(Epochs.start, 1), (Epochs.start + hour, 2)]), gone,
                ]))
        _ = try HistoryCompactor(database.connection).pass(
            upTo: EventTime(microseconds: Epochs.start + 24 * hour)
        ) { _, _ in true }
        _ = try writer.commit(
            Epochs.write(
                [Epochs.advance(lease, 2)],
                ([keys[0]] + others).map { Epochs.numbers($0, [(Epochs.start + 5 * hour, 99)]) }))
        #expect(try database.count("history_block") == 1)
        _ = try writer.commit(
            Epochs.write([Epochs.advance(lease, 3)], [Epochs.numbers(keys[2], [(Epochs.start + 9 * hour, 7)])]))
        let queries = HistoryQueries(pool: pool)
        func state(_ time: Int64) async throws -> String {
            let state = try #require(try await queries.state(thing, at: EventTime(microseconds: time)))
            let values = state.values.map { "\($0.path) \($0.sample.kind.name) \($0.sample.number ?? -1)" }
            return values.joined(separator: ", ") + " | " + state.uncovered.joined(separator: " ")
        }
        #expect(try await state(Epochs.start - 1) == " | /p /q /r")
        #expect(try await state(Epochs.start + 30 * 60_000_000 + 5) == "/p number 30.0, /q number 1.0 | /r")
        #expect(try await state(Epochs.start + hour) == "/p number 59.0, /q number 2.0 | /r")
        #expect(try await state(Epochs.start + 3 * hour) == "/p number 59.0, /q absent -1.0 | /r")
        #expect(try await state(Epochs.start + 5 * hour) == "/p number 99.0, /q absent -1.0 | /r")
        #expect(try await state(Epochs.start + 9 * hour) == "/p number 99.0, /q absent -1.0, /r number 7.0 | ")
        let whole = try await queries.state(thing, at: EventTime(microseconds: Epochs.start + 9 * hour))
        #expect(whole?.coverage == 1)
        #expect(try await queries.state(try ThingID(validating: "a:unknown"), at: .latest) == nil)

        let end = EventTime(microseconds: Epochs.start + 9 * hour)
        func paths(_ asked: [String], after: String? = nil, limit: Int? = nil) async throws -> String {
            let state = try await queries.state(thing, at: end, paths: asked, after: after, limit: limit)
            return "\(state?.values.map(\.path).joined(separator: " ") ?? "") | \(state?.next ?? "")"
        }
        #expect(try await paths(["/r", "/p", "/none"]) == "/p /r | ")
        #expect(try await paths([], limit: 2) == "/p /q | /q")
        #expect(try await paths([], after: "/q", limit: 2) == "/r | ")
        #expect(try await paths([], limit: 3) == "/p /q /r | ")
        let late = await #expect(throws: EngineError.self) { try await queries.state(thing, at: end, within: .zero) }
        #expect(late?.detail == "57014", "as a statement that takes too long")
    }
}
