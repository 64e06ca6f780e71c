import ArgumentParser
import EgizCore
import EgizHTTP
import EgizPostgres
import ServiceLifecycle
import UnixSignals

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Runs topologies against EGIZ_KAFKA_BROKERS and EGIZ_DATABASE_URL.",
        discussion: """
            Without files it runs everything that is deployed and follows `egiz topology apply`, `pause`, `rollback` without a \
            restart. With files it applies them and runs only these.

            Start as many as you like: Kafka shares the partitions among them. SIGTERM drains and releases the tasks. With \
            EGIZ_HEALTH_ADDRESS=127.0.0.1:8081 it serves /healthz, /readyz and /metrics there.

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
        let process = WorkerProcess(
            topologies: own, topologyDir: topologyDir, prunes: prune, settings: settings,
            brokers: try settings.requiredBrokers, database: try settings.requiredDatabaseURL, logger: logger)
        // Stopped last first: the health is served until the worker has drained.
        var services: [any Service] = [process]
        if let health = settings.health {
            let server = APIServer(
                healthOn: APIConfiguration(host: health.host, port: health.port),
                pool: PostgresPool(url: process.database, applicationName: "egiz-health", size: 1),
                readiness: { process.readiness }, metrics: Program.metrics, logger: logger)
            // What can be refused is refused before anything is started.
            try server.check()
            services.insert(server, at: 0)
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
