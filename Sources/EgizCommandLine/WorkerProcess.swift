import EgizCore
import EgizHTTP
import EgizRuntime
import Logging
import ServiceLifecycle
import Synchronization

/// What `egiz worker` does: waits for its servers, then runs the worker and what goes with it; says meanwhile how it is.
final class WorkerProcess: Service {
    let database: String
    private let topologies: [Topology]?
    private let topologyDir: String?
    private let prunes: Bool
    private let settings: Settings
    private let brokers: String
    private let logger: Logger
    private let phase = Mutex(Phase.starting([:]))

    private enum Phase {
        /// What is waited for and why; nothing before the first attempt has failed.
        case starting([String: String])
        case running(DeploymentWorker)
    }

    /// - Parameter topologies: the only ones it runs; nil: what is deployed.
    init(
        topologies: [Topology]?, topologyDir: String?, prunes: Bool, settings: Settings, brokers: String,
        database: String, logger: Logger
    ) {
        self.topologies = topologies
        self.topologyDir = topologyDir
        self.prunes = prunes
        self.settings = settings
        self.brokers = brokers
        self.database = database
        self.logger = logger
    }

    /// What must hold for `/readyz`, beside the database.
    var readiness: [ReadinessCheck] {
        switch phase.withLock({ $0 }) {
        case .running(let worker): WorkerReadiness.checks(worker)
        case .starting(let waits) where waits.isEmpty: [ReadinessCheck(name: "worker", state: .waiting("starting"))]
        case .starting(let waits):
            waits.sorted { $0.key < $1.key }.map {
                ReadinessCheck(name: "worker", state: .waiting("\($0.key): \($0.value)"))
            }
        }
    }

    func run() async throws {
        let worker: DeploymentWorker
        do {
            worker = try await cancelWhenGracefulShutdown { try await self.start() }
        } catch is CancellationError {
            return
        }
        phase.withLock { $0 = .running(worker) }
        logger.info("worker started", metadata: ["egiz.worker": "\(worker.identity.id)"])
        // Stopped last first: what compacts may take its time, the worker must not wait for it before it drains.
        var services: [any Service] = [
            HistoryService(database: database, configuration: settings.compaction, logger: logger), worker,
        ]
        if let topologyDir {
            services.append(
                FolderWatcher(
                    folder: topologyDir, prunes: prunes, host: worker.identity.host, database: database,
                    logger: logger))
        }
        // A group inside a group: the outer one's shutdown is passed on.
        try await ServiceGroup(services: services, logger: logger).run()
    }

    private func start() async throws -> DeploymentWorker {
        try await attempt("Postgres") { _ = try Program.migrate(database) }
        if let topologies {
            try await attempt("Kafka at \(brokers)") {
                try Program.ensureTopics(of: topologies, brokers: brokers, settings, logger)
            }
        }
        return try Program.worker(
            topologies, brokers: brokers, database: database, settings: settings, logger: logger)
    }

    private func attempt(_ what: String, _ body: () throws -> Void) async throws {
        try await Program.whileAway(
            what, logger, onWait: { reason in phase.withLock { $0 = .starting([what: reason]) } }, body)
        phase.withLock { $0 = .starting([:]) }
    }
}
