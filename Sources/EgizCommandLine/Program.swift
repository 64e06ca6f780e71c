import EgizCore
import EgizHTTP
import EgizKafka
import EgizOutbound
import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTopologyFile
import Foundation
import Logging
import Metrics
import ServiceLifecycle

/// The wiring that several commands share.
enum Program {
    static let metrics = PrometheusRegistry()

    /// Reads the settings and installs logging and metrics; the first thing every command does.
    static func start(_ common: CommonOptions) async throws -> Settings {
        signal(SIGPIPE, SIG_IGN)
        let settings = try await Settings.load(config: common.config)
        let level = settings.logLevel
        LoggingSystem.bootstrap { label in ConsoleLogHandler(label: label, level: level) }
        MetricsSystem.bootstrap(metrics)
        return settings
    }

    static func logger(_ settings: Settings) -> Logger { Logger(label: "egiz") }

    /// Applies what migrations are missing; the names of those it applied.
    static func migrate(_ url: String) throws -> [String] {
        let connection = try PostgresConnection(url: url, applicationName: "egiz-migrate")
        return try Migrator(connection).migrate()
    }

    /// Every topic that some source reads, with the partitions it declares (4 where it declares none).
    static func topics(of topologies: [Topology]) -> [(name: String, partitions: Int32)] {
        var topics: [String: Int32] = [:]
        for topic in topologies.flatMap(\.sources).flatMap(\.topics) {
            topics[topic.name] = max(topics[topic.name] ?? 0, topic.partitions ?? 4)
        }
        return topics.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Creates the topics that are missing, with the partitions they declare, where the broker allows it.
    static func ensureTopics(of topologies: [Topology], brokers: String, _ settings: Settings, _ logger: Logger) throws
    {
        let admin = try KafkaTopics(brokers: brokers, properties: settings.kafkaProperties, log: logger)
        let topics = topologies.flatMap(\.sources).flatMap(\.topics)
        let read = Set(topics.map(\.name))
        let report = try admin.ensure(
            topics.map { .init(name: $0.name, partitions: $0.partitions, config: $0.config) }
                + outputs(of: topologies).filter { !read.contains($0) }.map {
                    .init(name: $0, partitions: nil, config: [:])
                })
        for name in report.created { logger.info("topic created", metadata: ["egiz.topic": "\(name)"]) }
        for difference in report.differences {
            logger.warning(
                "topic has another number of partitions than the topology declares",
                metadata: [
                    "egiz.topic": "\(difference.topic)", "egiz.declared": "\(difference.declared)",
                    "egiz.found": "\(difference.found)",
                ])
        }
    }

    /// The topics that processors write, by their settings.
    static func outputs(of topologies: [Topology]) -> [String] {
        var names: Set<String> = []
        let registry = Kinds.registry
        for stage in topologies.flatMap(\.stages) {
            for processor in stage.processors {
                let spec = registry[processor.kind]?.spec
                names.formUnion(spec?.topics(writtenBy: processor, of: stage.source).map(\.name) ?? [])
            }
        }
        return names.sorted()
    }

    static func identity() -> WorkerIdentity {
        WorkerIdentity(
            id: UUID().uuidString.lowercased(), host: ProcessInfo.processInfo.hostName,
            processID: ProcessInfo.processInfo.processIdentifier)
    }

    /// What publishes changes of the registry; has a connection of its own.
    static func registryPublisher(
        brokers: String, database: String, settings: Settings, logger: Logger
    ) -> RegistryPublisher {
        RegistryPublisher(
            pool: PostgresPool(url: database, applicationName: "egiz-registry", size: 1),
            sink: KafkaNotifications(brokers: brokers, properties: settings.kafkaProperties, logger: logger),
            logger: logger)
    }

    /// The worker of this process.
    ///
    /// - Parameters:
    ///   - topologies: applied now, and the only ones it runs; their topics exist. Nil: it runs all that is deployed.
    ///   - staysUp: do not end when all of them have failed, because the process has more to do.
    static func worker(
        _ topologies: [Topology]?, identity: WorkerIdentity = Program.identity(), brokers: String, database: String,
        settings: Settings, staysUp: Bool = false, logger: Logger
    ) throws -> DeploymentWorker {
        var configuration = WorkerConfiguration()
        configuration.shutdownGrace = settings.shutdownGrace
        configuration.sessionTimeout = settings.sessionTimeout
        configuration.guardFolder = settings.dataDirectory.appendingPathComponent("guard").path
        if let topologies { try apply(topologies, host: identity.host, database: database, logger) }
        let ensured = Set(topologies?.map(\.sourceText) ?? [])
        return DeploymentWorker(
            .init(
                identity: identity, scope: topologies.map { Set($0.map(\.name)) },
                endsWhenAllFailed: topologies != nil && !staysUp, registry: Kinds.registry,
                configuration: configuration,
                consumers: KafkaConsumerFactory(brokers: brokers, properties: settings.kafkaProperties, log: logger),
                stores: PostgresStoreFactory(url: database),
                outputs: KafkaOutputProducerFactory(
                    brokers: brokers, properties: settings.kafkaProperties, log: logger),
                calls: HTTPCallTransport(),
                deployments: { PostgresDeploymentStore(url: database) },
                prepare: { name, text throws(EngineError) in
                    let topology = try prepared(name, text)
                    guard !ensured.contains(text) else { return topology }
                    do {
                        try ensureTopics(of: [topology], brokers: brokers, settings, logger)
                    } catch let error as EngineError {
                        throw error
                    } catch {
                        throw EngineError(.kafka, .backoff, "\(error)")
                    }
                    return topology
                }, logger: logger))
    }

    /// A stored text as this worker would run it, with its own environment.
    private static func prepared(_ name: String, _ text: String) throws(EngineError) -> Topology {
        let loaded = TopologyLoader.standard.load(text: text, file: name)
        guard let topology = loaded.topology else {
            throw EngineError(.topology, .stop, loaded.report.trimmingCharacters(in: .newlines))
        }
        return topology
    }

    /// What `egiz worker FILES` and `egiz up` do with their files: all of them or none.
    private static func apply(_ topologies: [Topology], host: String, database: String, _ logger: Logger) throws {
        let store = PostgresDeploymentStore(url: database)
        defer { store.close() }
        let results = try StoredTopology.deployer(store).apply(topologies, origin: "worker \(host)")
        let refusals = results.filter { $0.outcome == .refused }.flatMap(\.plan.refusals)
        guard refusals.isEmpty else {
            throw EngineError(
                .topology, .stop,
                "nothing was started, because what is stored does not fit the files: \(refusals.joined(separator: "; ")). `egiz topology apply --help` says what can be allowed"
            )
        }
        for result in results {
            let facts: Logger.Metadata = [
                "egiz.topology": "\(result.plan.topology)", "egiz.version": "\(result.version ?? 0)",
            ]
            if result.outcome == .applied { logger.info("topology applied", metadata: facts) }
            if result.state == .paused {
                logger.notice("topology is paused; `egiz topology resume` starts it", metadata: facts)
            }
        }
    }

    /// Runs a step of the start again until the server it needs answers; says once what it waits for.
    ///
    /// - Parameter onWait: called with the reason at each attempt that failed for that.
    static func whileAway(
        _ what: String, _ logger: Logger, onWait: (String) -> Void = { _ in }, _ body: () throws -> Void
    ) async throws {
        var backoff = Backoff()
        var waited = false
        while true {
            do {
                try body()
                if waited { logger.notice("\(what) answers") }
                return
            } catch let error as EngineError where error.retry == .backoff {
                if !waited { logger.warning("waiting for \(what)", metadata: ["egiz.error": "\(error)"]) }
                waited = true
                onWait(error.message)
                try await Task.sleep(for: backoff.next())
            }
        }
    }
}

extension Settings {
    var requiredBrokers: String {
        get throws(EngineError) {
            if let brokers { return brokers }
            throw EngineError(
                .config, .stop,
                "no Kafka is named: set EGIZ_KAFKA_BROKERS=host:9092, or start one here with `egiz broker`, or everything with `egiz up`"
            )
        }
    }

    var requiredDatabaseURL: String {
        get throws(EngineError) {
            if let databaseURL { return databaseURL }
            throw EngineError(
                .config, .stop,
                "no database is named: set EGIZ_DATABASE_URL=postgres://user@host/name, or start everything here with `egiz up`"
            )
        }
    }
}
