import ArgumentParser
import EgizCore
import EgizPostgres
import EgizTwin
import Foundation

/// `egiz alert`: what the alert rules raised.
struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "Alerts: list, acknowledge, clear, assign.",
        discussion: """
            EXAMPLES
              egiz alert list
              egiz alert list --all --thing org.acme:machine-7
              egiz alert ack 17
              egiz alert assign 17 maria --note "valve is being replaced"
            """,
        subcommands: [List.self, Acknowledge.self, Clear.self, Assign.self])

    static func connect(_ common: CommonOptions) async throws -> PostgresConnection {
        let settings = try await Program.start(common)
        let url = try settings.requiredDatabaseURL
        _ = try Program.migrate(url)
        return try PostgresConnection(url: url, applicationName: "egiz-alert")
    }

    static func gone(_ id: Int64) -> EngineError {
        EngineError(
            .decode, .never,
            "there is no open alert \(id): it was cleared, or never existed; see `egiz alert list --all`")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists open alerts, the newest first.", discussion: "EXAMPLE\n  egiz alert list --severity error")
        @OptionGroup var common: CommonOptions
        @Option(help: "Of this thing.") var thing: String?
        @Option(help: "At least as bad: info, warning, error or critical.") var severity: String?
        @ArgumentParser.Flag(help: "Cleared ones too.") var all = false
        @Option(help: "Most alerts to show.") var limit = 50
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            guard (1...100_000).contains(limit) else { throw ValidationError("--limit goes from 1 to 100000") }
            var filter = AlertQueries.Filter(thing: try thing.map(DeadLetterCommand.thing), isOpen: !all)
            if let severity {
                guard let known = AlertRow.Severity(name: severity) else {
                    throw ValidationError("--severity is info, warning, error or critical")
                }
                filter.severity = known
            }
            let page = try AlertQueries(try await AlertCommand.connect(common)).page(filter, limit: limit)
            if json { return Console.print(try DeploymentText.json(page.alerts.map(AlertJSON.init))) }
            guard !page.alerts.isEmpty else { return Console.print(all ? "no alerts" : "no open alerts") }
            var rows = [["ID", "RAISED", "SEVERITY", "STATE", "THING", "KEY", "BY", "MESSAGE"]]
            for alert in page.alerts {
                rows.append([
                    "\(alert.id)", DeadLetterText.time(alert.raisedAt), alert.severity, alert.state,
                    DeadLetterText.short(DeadLetterText.clean(alert.thing), 40),
                    DeadLetterText.short(DeadLetterText.clean(alert.key), 40),
                    DeadLetterText.clean(alert.assignee ?? alert.acknowledgedBy ?? "-"),
                    DeadLetterText.short(DeadLetterText.clean(alert.message), 80),
                ])
            }
            var text = DeploymentText.table(rows)
            if page.hasMore { text += "\n… the newest \(limit); --limit shows more" }
            Console.print(text)
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack", abstract: "Says that somebody has seen an alert.",
            discussion: """
                The worker that owns the thing does it in its next epoch, so that it happens once and in order with the thing's events.

                EXAMPLE
                  egiz alert ack 17 18
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "Ids that `egiz alert list` shows.") var ids: [Int64]
        @Option(help: "Who; without it the user and the host.") var by: String?

        func run() async throws { try await AlertCommand.ask("acknowledge", ids, by, common) }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Clears an alert although its rule holds.",
            discussion: """
                The rule raises another only after its condition has ended.

                EXAMPLE
                  egiz alert clear 17
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "Ids that `egiz alert list` shows.") var ids: [Int64]
        @Option(help: "Who; without it the user and the host.") var by: String?

        func run() async throws { try await AlertCommand.ask("clear", ids, by, common) }
    }

    static func ask(_ action: String, _ ids: [Int64], _ by: String?, _ common: CommonOptions) async throws {
        let connection = try await connect(common)
        for id in ids {
            let person = by ?? DeadLetterCommand.user
            let asked = try noted(action, id, person, connection) { queries throws(EngineError) in
                try queries.ask(action, of: id, by: person)
            }
            guard asked else { throw gone(id) }
            Console.print("alert \(id): asked to \(action)")
        }
    }

    /// The change and its entry in the audit log, both or neither.
    private static func noted(
        _ action: String, _ id: Int64, _ person: String, _ connection: PostgresConnection,
        after: [(String, JSONValue)] = [], _ change: (AlertQueries) throws(EngineError) -> Bool
    ) throws(EngineError) -> Bool {
        try connection.transaction { connection throws(EngineError) in
            let queries = AlertQueries(connection)
            try queries.lock(id)
            guard try change(queries) else { return false }
            try AuditWriter.append(
                connection,
                AuditEntry(actor: "operator:\(person)", action: "alert.\(action)", object: "alert:\(id)", after: after))
            return true
        }
    }

    struct Assign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives an alert to somebody, or writes a note of it.",
            discussion: "EXAMPLE\n  egiz alert assign 17 maria --note \"valve is being replaced\"")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The id that `egiz alert list` shows.") var id: Int64
        @Argument(help: "To whom.") var assignee: String
        @Option(help: "What to know of it.") var note: String?
        @Option(help: "Who does it; without it the user and the host.") var by: String?

        func run() async throws {
            let person = by ?? DeadLetterCommand.user
            var after: [(String, JSONValue)] = [("assignee", .string(assignee))]
            if let note { after.append(("note", .string(note))) }
            let isThere = try AlertCommand.noted(
                "assign", id, person, try await AlertCommand.connect(common), after: after
            ) { queries throws(EngineError) in
                try queries.note(id, text: note, assignee: assignee, by: person)
            }
            guard isThere else { throw EngineError(.decode, .never, "there is no alert \(id)") }
            Console.print("alert \(id): given to \(assignee)")
        }
    }
}
