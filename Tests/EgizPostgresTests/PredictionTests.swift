import EgizCore
import EgizProcessors
import EgizRuntime
import EgizTwin
import Testing

@testable import EgizPostgres

/// What models say, and their tasks in the registry.
@Suite struct PredictionTests {
    let database: TestDatabase
    let store: PostgresTaskStore
    let lease: TaskLease
    let writer: PostgresEpochWriter

    init() throws {
        database = try TestDatabase()
        store = database.store()
        lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
        writer = database.writer()
    }

    private func commit(_ n: Int64, _ rows: [PredictionRow]) throws {
        let epoch = Epochs.write([Epochs.advance(lease, n)])
        epoch.predictions = rows
        let outcome = try writer.commit(epoch)
        guard case .committed = outcome else { throw EngineError(.bug, .stop, "not committed: \(outcome)") }
    }

    private func row(
        _ thing: String, model: String = "m", shadow: Bool = false, score: Double? = 0.5, label: String? = nil,
        details: String? = nil, error: String? = nil, input: InputPosition? = nil, revision: Int64 = 7,
        second: Int64 = 0
    ) throws -> PredictionRow {
        PredictionRow(
            home: Epochs.task(),
            key: .init(thing: try ThingID(validating: thing), task: "t", model: model, isShadow: shadow),
            version: "1.0.0", score: score, label: label, details: details, error: error,
            revision: revision, time: EventTime(microseconds: Epochs.start + second * 1_000_000), input: input,
            output: InputPosition(topic: "ml.output.v1.t", partition: 0, offset: 3), latency: 3.25)
    }

    private func predictions(_ thing: String) async throws -> [StoredPrediction] {
        let pool = PostgresPool(url: database.url, applicationName: "test", size: 1)
        defer { pool.close() }
        return try await PredictionQueries(pool: pool).page(
            .init(thing: try ThingID(validating: thing)), after: nil, limit: 100)
    }

    @Test func theLastAnswerOfAModelTakesThePlaceOfTheOneBefore() async throws {
        let input = InputPosition(topic: "telemetry.v1", partition: 1, offset: 41)
        try commit(1, [try row("a:b", label: "x"), try row("a:b", model: "n", shadow: true), try row("a:c")])
        try commit(
            2, [try row("a:b", score: nil, details: #"{"n":"a\u0000b"}"#, error: #"{"code":"stale"}"#, input: input)])
        let rows = try await predictions("a:b")
        #expect(rows.map { "\($0.model) \($0.isShadow)" } == ["m false", "n true"])
        let first = try #require(rows.first)
        #expect(first.score == nil && first.label == nil && first.input == input && first.version == "1.0.0")
        #expect(first.details == Array(#"{"n":"a\u0000b"}"#.utf8) && first.error == Array(#"{"code":"stale"}"#.utf8))
        #expect(first.revision == 7 && first.time.microseconds == Epochs.start && first.latency == 3.25)
        #expect(first.output == InputPosition(topic: "ml.output.v1.t", partition: 0, offset: 3))
        #expect(try await predictions("a:none").isEmpty)
    }

    @Test func theAnswerToAnOldQuestionChangesNothing() async throws {
        try commit(1, [try row("a:b", score: 9, revision: 9, second: 9)])
        try commit(2, [try row("a:b", score: 5, revision: 5, second: 5)])
        #expect(try await predictions("a:b").map(\.score) == [9])
        // What goes back in one way only is no old question.
        try commit(3, [try row("a:b", score: 10, revision: 10, second: 2)])
        #expect(try await predictions("a:b").map(\.score) == [10])
        try commit(4, [try row("a:b", score: 1, revision: 1, second: 20)])
        #expect(try await predictions("a:b").map(\.score) == [1])
    }

    @Test func anErasedThingLeavesNothingOfItsPredictions() throws {
        try commit(1, [try row("a:b"), try row("a:c")])
        let report = try ThingErasure(database.connection).erase(try ThingID(validating: "a:b"), by: nil)
        #expect(report["ml_prediction"] == 1)
        #expect(try database.count("ml_prediction") == 1)
    }

    @Test func aTaskOfTheRegistryIsReadAsItsKindUnderstandsIt() throws {
        let first = try #require(try store.registry(after: nil))
        try database.connection.execute(
            """
            insert into egiz.ml_task (task, settings) values
                ('wear', '{"model":"m2","trigger":"time","every":"10s","features":[{"name":"x","path":"features.f.x","value":"mean","window":"1m"}]}'),
                ('off', '{}');
            update egiz.ml_task set enabled = false where task = 'off';
            """)
        let second = try #require(try store.registry(after: first.version))
        #expect(second.tasks.map(\.name) == ["wear"])
        let fanOut = try FanOut(
            ProcessorDefinition(
                name: "ask", kind: "ml-fan-out", from: "twins",
                settings: ["task": ConfigValue(.string("wear"), at: SourceMark(line: 1, column: 1))],
                mark: SourceMark(line: 1, column: 1)))
        #expect(fanOut.install(second) == [])
        #expect(throws: EngineError.self) {
            try database.connection.execute("insert into egiz.ml_task (task, settings) values ('a b', '{}')")
        }
    }
}
