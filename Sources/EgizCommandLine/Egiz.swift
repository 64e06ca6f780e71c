import ArgumentParser

/// The command line of Digital Egiz.
struct Egiz: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "egiz",
        abstract: "Digital twins from Kafka into Postgres, by topology files.",
        discussion: """
            EXAMPLES
              egiz up --demo                              everything on this machine, with ten filling machines
              egiz topology validate Topologies/*.yaml    check files before they run
              egiz topology explain Topologies/filling-line.yaml
              EGIZ_KAFKA_BROKERS=k1:9092 EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz worker
              EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz api

            Settings come from EGIZ_* variables and from a YAML file (--config); see docs/operating.md.
            """,
        version: "0.1.0",
        subcommands: [
            Up.self, BrokerCommand.self, WorkerCommand.self, APICommand.self, TopologyCommand.self,
            StateCommand.self, ThingCommand.self, HistoryCommand.self, DeadLetterCommand.self, AlertCommand.self,
            UserCommand.self, AuditCommand.self, KindsCommand.self, DatabaseCommand.self,
        ])
}
