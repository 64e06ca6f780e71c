import ArgumentParser
import EgizRuntime
import Logging
import ServiceLifecycle
import UnixSignals

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Runs topologies against EGIZ_KAFKA_BROKERS and EGIZ_DATABASE_URL.",
        discussion: """
            Start as many as you like: Kafka shares the partitions among them. SIGTERM drains and releases the tasks.

            EXAMPLE
              EGIZ_KAFKA_BROKERS=k1:9092,k2:9092 EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz worker --topologies /etc/egiz
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var files: TopologyOptions

    func run() async throws {
        let settings = try await Program.start(common)
        let topologies = try files.load()
        let logger = Program.logger(settings)
        let brokers = try settings.requiredBrokers
        let database = try settings.requiredDatabaseURL
        try await Program.whileAway("Postgres", logger) { _ = try Program.migrate(database) }
        try await Program.whileAway("Kafka at \(brokers)", logger) {
            try Program.ensureTopics(of: topologies, brokers: brokers, settings, logger)
        }
        let worker = try Program.worker(
            topologies, brokers: brokers, database: database, settings: settings, logger: logger)
        logger.info("worker started", metadata: ["egiz.worker": "\(worker.identity.id)"])
        let group = ServiceGroup(
            services: [worker], gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        try await group.run()
    }
}
