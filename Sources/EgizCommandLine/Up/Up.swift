import ArgumentParser
import EgizCore
import EgizHTTP
import EgizKafka
import EgizPostgres
import EgizRuntime
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Starts everything on this machine: Kafka, Postgres, all topologies, the API.",
        discussion: """
            What EGIZ_KAFKA_BROKERS and EGIZ_DATABASE_URL name is used instead of the embedded Kafka and the private Postgres.
            Ctrl-C stops it cleanly; started again it keeps every twin and all history.

            EXAMPLES
              egiz up --demo
              egiz up --demo --models      all of the example: a model, alerts, a pager; needs Python 3.11
              egiz up --topologies my-topologies
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var files: TopologyOptions
    @ArgumentParser.Flag(help: "Push the events of ten simulated filling machines.") var demo = false
    @ArgumentParser.Flag(
        help: """
            With --demo: the rest of the example. A model service on port 8000 and a machine whose nozzle clogs after a minute, \
            machines with alert rules, machines behind a gateway, dead letters of another system, a pager on port 8001.
            """)
    var models = false
    @Option(help: "Machines of the demo.") var machines = 10
    @Option(help: "Events a second of the whole demo.") var rate = 50.0
    @Option(name: .long, help: "Preferred port of the embedded Kafka on 127.0.0.1.") var kafkaPort: UInt16 = 9092

    func run() async throws {
        let settings = try await Program.start(common)
        let logger = Program.logger(settings)
        let topologies = try files.load()
        if self.demo, models { DemoModels.prepareSecret() }
        try createDataDirectory(settings.dataDirectory)
        let lock = try DataDirectoryLock(settings.dataDirectory)
        defer { lock.release() }
        let configuration = settings.api(
            secret: try settings.accounts.secret ?? SecretFile(directory: settings.dataDirectory).secret())
        // What can be refused is refused before anything is started.
        try configuration.check()
        let signals = StartupSignals()

        let postgres = try settings.databaseURL == nil ? startPostgres(settings, signals, logger) : nil
        defer { postgres?.stop() }
        guard let database = settings.databaseURL ?? postgres?.url else { return }
        try await Program.whileAway("Postgres", logger) { _ = try Program.migrate(database) }
        let admin = try Program.ensureAdmin(settings, orElse: "admin@localhost", database: database, logger: logger)

        let broker =
            try settings.brokers == nil
            ? EmbeddedBroker(
                topics: Program.topics(of: topologies), port: kafkaPort == 0 ? nil : kafkaPort, log: logger) : nil
        defer { broker?.stop() }
        if let notice = broker?.portNotice { logger.notice("\(notice)") }
        guard let brokers = settings.brokers ?? broker?.bootstrap else { return }
        try await Program.whileAway("Kafka at \(brokers)", logger) {
            try Program.ensureTopics(of: topologies, brokers: brokers, settings, logger)
        }

        let worker = try Program.worker(
            topologies, brokers: brokers, database: database, settings: settings, staysUp: true, logger: logger)
        let runFile = RunFile(directory: settings.dataDirectory)
        defer { runFile.remove() }
        let demo = demo ? DemoSimulator(machines: machines, rate: rate, brokers: brokers, logger: logger) : nil
        let demoModels =
            self.demo && models ? DemoModels(topologies, brokers: brokers, logger: logger) : nil
        let server = APIServer(
            configuration: configuration,
            pool: PostgresPool(url: database, applicationName: "egiz-api", size: 6),
            accountsPool: PostgresPool(url: database, applicationName: "egiz-accounts", size: 2),
            livePool: PostgresPool(url: database, applicationName: "egiz-live", size: 1),
            lag: KafkaLag(brokers: brokers, properties: settings.kafkaProperties, logger: logger),
            tail: try Program.tail(brokers, settings, configuration, logger),
            readiness: { WorkerReadiness.checks(worker) }, rehearsal: StoredTopology.rehearsal(database),
            metrics: Program.metrics, logger: logger,
            onBound: { port in
                let addresses = RunFile.Addresses(
                    api: "http://\(settings.host.contains(":") ? "[\(settings.host)]" : settings.host):\(port)",
                    kafka: brokers, postgres: database,
                    pid: ProcessInfo.processInfo.processIdentifier)
                runFile.write(addresses, logger: logger)
                Welcome.show(addresses, admin: admin, demo: demo != nil, models: demoModels != nil)
                demo?.start(api: addresses.api)
                demoModels?.start(api: addresses.api)
            })
        // Stopped last first: the live line and the simulator before the API, then the worker, so that it drains what came; what
        // compacts may take its time after it.
        var services: [any Service] = [
            HistoryService(database: database, configuration: settings.compaction, logger: logger),
            Program.registryPublisher(brokers: brokers, database: database, settings: settings, logger: logger), worker,
            server,
        ]
        if let days = settings.audit.retention {
            services.append(AuditService(database: database, days: days, logger: logger))
        }
        if let demo { services.append(demo) }
        if let demoModels { services.append(demoModels) }
        services.append(LiveLine(worker: worker))
        let group = ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        signals.handOver()
        try await group.run()
        Console.print("stopped; everything is kept in \(settings.dataDirectory.path)")
    }

    private func createDataDirectory(_ directory: URL) throws {
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw EngineError(
                .config, .stop,
                "the data directory \(directory.path) cannot be made (\(error.localizedDescription)); set EGIZ_DATA_DIR to a folder you may write"
            )
        }
    }

    private func startPostgres(_ settings: Settings, _ signals: StartupSignals, _ logger: Logger) throws
        -> PrivatePostgres
    {
        let postgres = try PrivatePostgres(
            dataDirectory: settings.dataDirectory.appendingPathComponent("postgres").path, logger: logger)
        signals.onStop { postgres.stop() }
        try postgres.start()
        return postgres
    }
}
