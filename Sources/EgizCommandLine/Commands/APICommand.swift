import ArgumentParser
import EgizHTTP
import EgizKafka
import EgizPostgres
import Foundation
import ServiceLifecycle
import UnixSignals

struct APICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Serves the REST API from EGIZ_DATABASE_URL.",
        discussion: """
            Reads projections and asks workers to redrive dead letters; needs no worker to be running. With EGIZ_KAFKA_BROKERS it also tells the lag.

            EXAMPLE
              EGIZ_DATABASE_URL=postgres://egiz@db/egiz EGIZ_HTTP_ADDRESS=127.0.0.1:8080 egiz api
            """)
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try await Program.start(common)
        let logger = Program.logger(settings)
        let database = try settings.requiredDatabaseURL
        try await Program.whileAway("Postgres", logger) { _ = try Program.migrate(database) }
        let lag = settings.brokers.map {
            KafkaLag(brokers: $0, properties: settings.kafkaProperties, logger: logger)
        }
        let server = APIServer(
            configuration: APIConfiguration(host: settings.host, port: settings.port),
            pool: PostgresPool(url: database, applicationName: "egiz-api", size: 4), lag: lag,
            rehearsal: StoredTopology.rehearsal(database), metrics: Program.metrics, logger: logger,
            onBound: { port in
                Console.print("API    http://\(settings.host):\(port)")
            })
        var services: [any Service] = [server]
        if let brokers = settings.brokers {
            services.append(
                Program.registryPublisher(brokers: brokers, database: database, settings: settings, logger: logger))
        }
        let group = ServiceGroup(services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        try await group.run()
    }
}
