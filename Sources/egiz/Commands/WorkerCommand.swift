import ArgumentParser
import EgizCore
import EgizRuntime
import Logging
import ServiceLifecycle
import UnixSignals

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Runs topologies against EGIZ_KAFKA_BROKERS and EGIZ_DATABASE_URL.",
        discussion: """
            Without files it runs everything that is deployed and follows `egiz topology apply`, `pause`, `rollback` without a \
            restart. With files it applies them and runs only these.

            Start as many as you like: Kafka shares the partitions among them. SIGTERM drains and releases the tasks.

            EXAMPLES
              export EGIZ_KAFKA_BROKERS=k1:9092,k2:9092 EGIZ_DATABASE_URL=postgres://egiz@db/egiz
              egiz worker                                  what is deployed
              egiz worker --topology-dir /etc/egiz         the same, and /etc/egiz is applied whenever it changes
              egiz worker line.yaml packing.yaml           these two
              egiz worker --topologies /etc/egiz           these, once
            """)
    @OptionGroup var common: CommonOptions
    @Argument(help: "Topology files to apply and run.") var files: [String] = []
    @Option(name: .long, help: "A folder of topology files, or one file, to apply and run.") var topologies: String?
    @ArgumentParser.Flag(help: "Run everything that is deployed; what happens without files as well.")
    var deployed = false
    @Option(name: .long, help: "A folder of topology files that is watched: what changes in it is applied.")
    var topologyDir: String?
    @ArgumentParser.Flag(
        help: """
            With --topology-dir: a topology whose file is removed is deleted (positions and state are kept). Without it a \
            removed file changes nothing.
            """) var prune = false

    func validate() throws {
        let named = [!files.isEmpty, topologies != nil, deployed || topologyDir != nil].filter(\.self).count
        if named > 1 {
            throw ValidationError(
                "files, --topologies and --deployed or --topology-dir exclude each other: a worker runs these files or what is deployed"
            )
        }
        if prune, topologyDir == nil { throw ValidationError("--prune goes with --topology-dir") }
    }

    func run() async throws {
        let settings = try await Program.start(common)
        let own = try load()
        let logger = Program.logger(settings)
        let brokers = try settings.requiredBrokers
        let database = try settings.requiredDatabaseURL
        try await Program.whileAway("Postgres", logger) { _ = try Program.migrate(database) }
        if let own {
            try await Program.whileAway("Kafka at \(brokers)", logger) {
                try Program.ensureTopics(of: own, brokers: brokers, settings, logger)
            }
        }
        let worker = try Program.worker(own, brokers: brokers, database: database, settings: settings, logger: logger)
        logger.info("worker started", metadata: ["egiz.worker": "\(worker.identity.id)"])
        var services: [any Service] = [
            worker, HistoryService(database: database, configuration: settings.compaction, logger: logger),
        ]
        if let topologyDir {
            services.append(
                FolderWatcher(
                    folder: topologyDir, prunes: prune, host: worker.identity.host, database: database, logger: logger))
        }
        let group = ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        try await group.run()
    }

    private func load() throws -> [Topology]? {
        if let topologies { return try TopologyOptions.load(topologies) }
        return files.isEmpty ? nil : try TopologyOptions.load(files)
    }
}
