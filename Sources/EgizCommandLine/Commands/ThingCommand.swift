import ArgumentParser
import EgizCore
import EgizPostgres
import EgizTwin
import Foundation

struct ThingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thing", abstract: "One thing.", subcommands: [Erase.self])

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a thing everywhere: twin, history, state, timers, rollups, outboxes, dead letters.",
            discussion: """
                For good, in one transaction; workers may run, and take over the tasks that held the thing. Of the id only its \
                SHA-256 is kept, with what was removed, in egiz.erasure. Kafka keeps its records: stop the device first, for \
                its unread events make the thing anew, and delete or compact what the topics hold. Backups are yours.

                EXAMPLE
                  EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz thing erase org.acme:machine-7 --yes
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The id, namespace:name.") var id: String
        @Option(help: "Who asked for it; written down.") var by: String?
        @ArgumentParser.Flag(help: "Do it. Without it nothing is changed.") var yes = false

        func run() async throws {
            let settings = try await Program.start(common)
            let thing: ThingID
            do {
                thing = try ThingID(validating: id)
            } catch {
                throw ValidationError(error.message)
            }
            guard yes else {
                throw ValidationError("this cannot be taken back; say --yes to erase \(thing)")
            }
            let connection = try PostgresConnection(
                url: settings.requiredDatabaseURL, applicationName: "egiz-erase")
            let report = try ThingErasure(connection).erase(thing, by: by)
            for count in report.rows where count.rows > 0 { Console.print("\(count.table): \(count.rows)") }
            Console.print("erased; written down as \(report.sha256)")
        }
    }
}
