import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import NIOCore
import TestSupport

@testable import EgizHTTP

/// An API over a fresh database, which is dropped when the test is done with it; asked without a socket.
final class TestAPI {
    static let stage = StageName(topology: "line", source: "events")
    /// 2026-01-01T00:00:00Z.
    static let start: Int64 = 1_767_225_600_000_000
    static let second: Int64 = 1_000_000

    let name = "egiz_http_" + UUID().uuidString.lowercased().replacing("-", with: "")
    let pool: PostgresPool
    let connection: PostgresConnection
    let url: String
    private let writer: PostgresEpochWriter
    private let store: PostgresTaskStore
    private var leases: [TaskLease] = []
    private var epoch: Int64 = 0

    init(migrated: Bool = true) throws {
        url = try TestPostgres.create(name, migrated: migrated)
        connection = try PostgresConnection(url: url, applicationName: "egiz-test")
        pool = PostgresPool(url: url, applicationName: "egiz-http-test", size: 1)
        let worker = WorkerIdentity(id: "worker-a", host: "host-a", processID: 7)
        writer = PostgresEpochWriter(url: url, worker: worker)
        store = PostgresTaskStore(url: url, worker: worker)
    }

    deinit {
        writer.close()
        store.close()
        connection.close()
        pool.close()
        try? TestPostgres.administrator().execute("drop database if exists \(name) with (force)")
    }

    // MARK: Writing

    /// Commits an epoch of partition 0 that has read up to `next`.
    func commit(
        columns: [SeriesColumn] = [], twins: [TwinRow] = [], next: Int64 = 10, streamTime: Int64 = start
    ) throws {
        if leases.isEmpty {
            leases = try store.acquire([TaskID(stage: Self.stage, partition: 0)], partitions: 2, topologyVersion: 1)
        }
        epoch += 1
        var counters = StepCounters()
        counters.records = next
        counters.deadLetters = 3
        let advance = TaskAdvance(
            task: leases[0].task, ownerEpoch: leases[0].ownerEpoch, epoch: epoch,
            offsets: [.init(topic: "twins", next: NextOffset(stored: next), mark: nil)],
            streamTime: EventTime(microseconds: streamTime), counters: counters)
        let outcome = try writer.commit(
            EpochWrite(
                tasks: [advance], columns: columns, twins: twins.sorted { $0.snapshot.thing < $1.snapshot.thing },
                deadLetters: []))
        guard case .committed = outcome else {
            throw EngineError(.bug, .stop, "the test's epoch was not committed: \(outcome)")
        }
    }

    static func twin(
        _ thing: String, revision: Int64 = 1, document: String?, definition: String? = nil, created: Int64 = start
    ) throws -> TwinRow {
        TwinRow(
            snapshot: TwinSnapshot(
                thing: try ThingID(validating: thing), revision: revision, timestamp: "2026-01-01T00:00:00Z",
                document: document.map { Array($0.utf8) }, definition: definition,
                created: document == nil ? nil : EventTime(microseconds: created),
                modified: document == nil ? nil : EventTime(microseconds: created + 1500)),
            home: TaskID(stage: stage, partition: 0), position: InputPosition(topic: "twins", partition: 0, offset: 9))
    }

    static func key(_ thing: String, _ path: String) throws -> SeriesKey {
        SeriesKey(thing: try ThingID(validating: thing), path: path)
    }

    static func numbers(_ key: SeriesKey, _ samples: [(Int64, Double)]) -> SeriesColumn {
        let column = SeriesColumn(series: key, kind: .number)
        for (time, number) in samples { column.append(time: time, number: number) }
        column.seal()
        return column
    }

    // MARK: Reading

    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    func server(lag: (any LagProvider)? = nil, readiness: @escaping APIServer.Readiness = { [] }) -> APIServer {
        APIServer(
            configuration: APIConfiguration(port: 0), pool: pool, lag: lag, readiness: readiness, logger: Self.quiet)
    }

    func get(_ uri: String, headers: HTTPFields = [:]) async throws -> TestResponse {
        let response = try await server().application().test(.router) {
            try await $0.execute(uri: uri, method: .get, headers: headers)
        }
        AnswerCheck.check(.get, uri, response)
        return response
    }

    /// The answer's body, which must be JSON with status 200.
    func json(_ uri: String) async throws -> JSONValue {
        let response = try await get(uri)
        guard response.status == .ok else {
            throw EngineError(.bug, .stop, "\(uri): \(response.status) \(response.text)")
        }
        return try JSONParser().parse(Array(buffer: response.body))
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }
}

extension JSONValue {
    subscript(name: String) -> JSONValue? { object?[name] }

    var array: [JSONValue]? {
        if case .array(let elements) = self { return elements }
        return nil
    }
}
