import ArgumentParser
import EgizPostgres

struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "The database.",
        discussion: """
            EXAMPLE
              EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz db migrate
            """,
        subcommands: [Migrate.self])

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Brings the schema of EGIZ_DATABASE_URL up to date.",
            discussion: """
                Safe to run at any time and from several machines: an advisory lock lets one of them work.

                EXAMPLE
                  EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz db migrate
                """)
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let settings = try await Program.start(common)
            let applied = try Program.migrate(settings.requiredDatabaseURL)
            if applied.isEmpty {
                Console.print("the schema is up to date")
            } else {
                for name in applied { Console.print("applied \(name)") }
            }
        }
    }
}
