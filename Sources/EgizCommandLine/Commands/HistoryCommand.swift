import ArgumentParser
import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "The history of all twins: how it lies on disk.",
        subcommands: [Status.self, Compact.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How much is compacted, how much is not, what retention keeps.",
            discussion: """
                Counts every row of history, which takes a while in a large database.

                EXAMPLE
                  EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz history status
                """)
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let settings = try await Program.start(common)
            let connection = try PostgresConnection(
                url: settings.requiredDatabaseURL, applicationName: "egiz-history-status")
            let status = try HistoryStatus.read(connection)
            Console.print("closed up to   \(status.closed?.text ?? "nothing yet")")
            for (name, form) in [
                ("segments", status.segments), ("blocks", status.blocks), ("compacted", status.packed),
                ("debt", status.debt),
            ] {
                let each =
                    form.samples == 0
                    ? "" : String(format: ", %.1f a sample", Double(form.bytes) / Double(form.samples))
                let padded = name.padding(toLength: 15, withPad: " ", startingAt: 0)
                Console.print("\(padded)\(form.rows) rows, \(form.samples) samples, \(form.bytes) bytes\(each)")
            }
            for one in status.classes where one.retention > 0 {
                Console.print(
                    "retention \(one.retention)d  from \(one.horizon?.text ?? "now on"), \(one.bytes) bytes, \(one.expired) samples came too late"
                )
            }
        }
    }

    struct Compact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compacts what is closed, at full speed, and drops what is past its retention.",
            discussion: """
                Workers do the same in the background, with half of their time. It may be stopped at any moment. Without --once it \
                goes on until it is stopped.

                EXAMPLE
                  EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz history compact --once
                """)
        @OptionGroup var common: CommonOptions
        @ArgumentParser.Flag(help: "One round, then end.") var once = false
        @Option(help: "Compact up to this time instead of what stream time says, such as 2026-01-01T00:00:00Z.")
        var upTo: String?

        func validate() throws { _ = try limit() }

        private func limit() throws -> EventTime? {
            guard let upTo else { return nil }
            do {
                let time = try Timestamp(parsing: upTo)
                return EventTime(microseconds: time.seconds * 1_000_000 + Int64(time.nanoseconds) / 1000)
            } catch {
                throw ValidationError("--up-to: \(error.message)")
            }
        }

        func run() async throws {
            let settings = try await Program.start(common)
            var session = PostgresSettings()
            session.statementTimeout = .seconds(600)
            session.lockTimeout = .seconds(10)
            let connection = try PostgresConnection(
                url: settings.requiredDatabaseURL, applicationName: "egiz-history-compact", settings: session)
            let limit = try limit()
            let maintenance = HistoryMaintenance(connection, settings.compaction)
            repeat {
                let start = ContinuousClock.now
                var memory = HistoryMaintenance.Memory()
                guard let report = try maintenance.round(&memory, upTo: limit, pause: { _, _ in true })
                else {
                    throw EngineError(
                        .postgres, .backoff,
                        "another process compacts this database: a worker, or this command elsewhere")
                }
                let seconds = start.duration(to: .now).seconds
                Console.print(
                    """
                    \(report.progress.rows) rows with \(report.progress.samples) samples became \(report.progress.written) in \
                    \(String(format: "%.1f", seconds)) s; left: \(report.progress.left.rows) rows\
                    \(report.dropped.isEmpty ? "" : "; dropped \(report.dropped.joined(separator: ", "))")
                    """)
                if !once { try await Task.sleep(for: .seconds(15)) }
            } while !once
        }
    }
}
