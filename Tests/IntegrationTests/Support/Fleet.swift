import EgizCore
import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTesting
import EgizTopologyFile
import EgizTwin
import Foundation
import Logging
import Synchronization

/// Workers of this process that follow the deployments of one real database and read one log in memory.
final class Fleet: Sendable {
    let database: String
    let log = MemoryLog()
    private let suffix = String(UUID().uuidString.lowercased().prefix(8))
    private let pushed = Mutex(0)

    init(partitions: Int = 4) throws {
        database = try TestDatabase.create(suffix)
        log.createTopic("events", partitions: partitions)
    }

    deinit { TestDatabase.drop(suffix) }

    static func text(_ description: String, topic: String = "events", processors: String = "") -> String {
        """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line, description: \(description) }
        spec:
          commit: { interval: 10ms }
          sources:
            events: { topics: [\(topic)], format: telemetry }
          processors:
            twins: { kind: twin-projector, from: events }
            history: { kind: history-writer, from: twins }
        \(processors)
        """
    }

    static func read(_ name: String, _ text: String) -> Topology? {
        TopologyLoader(registry: .builtin).load(text: text, file: name).topology
    }

    func store() -> PostgresDeploymentStore { PostgresDeploymentStore(url: database) }

    func deployer() -> Deployer { Deployer(store(), registry: .builtin, read: Self.read) }

    func apply(_ text: String) throws -> Deployer.Result? {
        guard let topology = Self.read("line", text) else {
            throw EngineError(.topology, .never, "the test's topology is not valid")
        }
        return try deployer().apply([topology], origin: "test").first
    }

    /// - Parameter refusing: versions whose text contains this are refused.
    func worker(_ id: String, refusing: String? = nil, endsWhenAllFailed: Bool = false) -> FleetWorker {
        var configuration = WorkerConfiguration()
        configuration.sessionTimeout = .seconds(4)
        let database = database
        return FleetWorker(
            DeploymentWorker(
                .init(
                    identity: WorkerIdentity(id: id, host: id, processID: 7),
                    endsWhenAllFailed: endsWhenAllFailed, registry: .builtin,
                    configuration: configuration, consumers: MemoryConsumerFactory(log: log),
                    stores: PostgresStoreFactory(url: database), outputs: MemoryOutputFactory(log: log),
                    deployments: { PostgresDeploymentStore(url: database) },
                    prepare: { name, text throws(EngineError) in
                        if let refusing, text.contains(refusing) {
                            throw EngineError(.topology, .stop, "\(id) knows no \(refusing)")
                        }
                        guard let topology = Fleet.read(name, text) else {
                            throw EngineError(.topology, .stop, "the text is not valid")
                        }
                        return topology
                    }, logger: Logger(label: id) { _ in SwiftLogNoOpLogHandler() })))
    }

    /// Appends telemetry of ten machines; every sample has a time of its own.
    func push(_ count: Int) {
        for _ in 0..<count {
            let n = pushed.withLock { value in
                value += 1
                return value
            }
            let time = 1_767_225_600_000 + n
            log.append(
                "events", key: "t:m\(n % 10)",
                value: #"{"thingId":"t:m\#(n % 10)","timestamp":\#(time),"features":{"f":{"x":\#(n)}}}"#,
                at: EventTime(microseconds: Int64(time) * 1000))
        }
    }

    var count: Int { pushed.withLock { $0 } }

    // MARK: What the database says

    /// `worker:running/prepared state`, for each worker, in order.
    func workers() throws -> [String] {
        try store().snapshot().workers.map { worker in
            guard let report = worker.reports["line"] else { return "\(worker.identity.id):none" }
            let numbers = [report.runningVersion, report.preparedVersion].map { $0.map(String.init) ?? "-" }
            return "\(worker.identity.id):\(numbers.joined(separator: "/")) \(report.state.rawValue)"
        }
    }

    func rollout() throws -> Rollout {
        let snapshot = try store().snapshot()
        guard let deployment = snapshot.deployment("line") else { return .noWorker }
        return .of(deployment, workers: snapshot.workers(of: "line"))
    }

    /// Records that were committed, and samples in history.
    func committed() throws -> (records: Int64, samples: Int64) {
        let connection = try PostgresConnection(url: database, applicationName: "egiz-test")
        let records = try connection.query(
            "select coalesce(sum((counters ->> 'records')::bigint), 0)::bigint from egiz.task")
        let samples = try connection.query(
            """
            select ((select coalesce(sum(n), 0) from egiz.history_segment)
                + (select coalesce(sum(n), 0) from egiz.history_block)
                + (select coalesce(sum(n), 0) from egiz.history_packed))::bigint
            """)
        return (records.int64(0, 0), samples.int64(0, 0))
    }

    func hasCommittedAll() throws -> Bool { try committed().records >= Int64(count) }
}

/// A worker in its task.
final class FleetWorker: Sendable {
    let worker: DeploymentWorker
    private let run: Task<Void, any Error>

    init(_ worker: DeploymentWorker) {
        self.worker = worker
        run = Task { try await worker.run() }
    }

    /// The error that ended the worker by itself.
    func failure() async -> EngineError? {
        do {
            try await run.value
            return nil
        } catch {
            return error as? EngineError
        }
    }

    func stop() async throws {
        run.cancel()
        try await run.value
    }
}
