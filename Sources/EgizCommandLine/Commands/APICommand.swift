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
            Reads projections and asks workers to redrive dead letters; needs no worker to be running. With EGIZ_KAFKA_BROKERS it also tells the lag and pushes changes.
            On loopback, requests without credentials act as an admin unless EGIZ_AUTH=required; outside loopback everybody signs in, and
            tokens need a secret (EGIZ_JWT_SECRET_FILE). docs/accounts.md has the rest.

            EXAMPLE
              EGIZ_DATABASE_URL=postgres://egiz@db/egiz EGIZ_HTTP_ADDRESS=127.0.0.1:8080 egiz api
            """)
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try await Program.start(common)
        let logger = Program.logger(settings)
        let database = try settings.requiredDatabaseURL
        let configuration = settings.api()
        // What can be refused is refused before anything is waited for.
        try configuration.check()
        try await Program.whileAway("Postgres", logger) { _ = try Program.migrate(database) }
        try Program.ensureAdmin(settings, database: database, logger: logger)
        let lag = settings.brokers.map {
            KafkaLag(brokers: $0, properties: settings.kafkaProperties, logger: logger)
        }
        let server = APIServer(
            configuration: configuration,
            pool: PostgresPool(url: database, applicationName: "egiz-api", size: 6),
            accountsPool: PostgresPool(url: database, applicationName: "egiz-accounts", size: 2),
            livePool: PostgresPool(url: database, applicationName: "egiz-live", size: 1),
            lag: lag,
            tail: try settings.brokers.map { try Program.tail($0, settings, configuration, logger) },
            rehearsal: StoredTopology.rehearsal(database), metrics: Program.metrics, logger: logger,
            onBound: { port in
                Console.print("API    http://\(settings.host):\(port)")
            })
        var services: [any Service] = [server]
        if let brokers = settings.brokers {
            services.append(
                Program.registryPublisher(brokers: brokers, database: database, settings: settings, logger: logger))
        }
        if let days = settings.audit.retention {
            services.append(AuditService(database: database, days: days, logger: logger))
        }
        let group = ServiceGroup(services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        try await group.run()
    }
}
