import ArgumentParser
import EgizCore
import EgizPostgres
import EgizTopologyFile
import Foundation

struct StateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "What a topology remembers.", subcommands: [Export.self, Import.self])

    /// The shape of a topology that is named by its file, or by the name under which it is deployed.
    static func shape(_ topology: String, _ connection: PostgresConnection) throws -> StateShape {
        let isFile = topology.contains("/") || topology.hasSuffix(".yaml") || topology.hasSuffix(".yml")
        let loaded: LoadedTopology
        if isFile {
            loaded = TopologyLoader.standard.load(path: topology)
        } else {
            guard let deployed = try PostgresTopologyStore(connection).list().first(where: { $0.name == topology })
            else {
                throw EngineError(
                    .topology, .stop,
                    "no topology \(topology) is deployed in \(connection.place); name its file instead")
            }
            loaded = TopologyLoader.standard.load(text: deployed.text, file: "\(topology) (deployed)")
        }
        FileHandle.standardError.write(Data(loaded.report.utf8))
        guard let checked = loaded.topology else { throw ExitCode(1) }
        return StateShape(checked)
    }

    /// A line that is written over on a terminal, and only the last one of each table elsewhere.
    static func show(_ progress: StateArchive.Progress) {
        let line = "\(progress.table): \(progress.rows) of \(progress.total)"
        if isatty(FileHandle.standardError.fileDescriptor) == 1 {
            let end = progress.rows == progress.total ? "\n" : ""
            FileHandle.standardError.write(Data("\r\u{1B}[K\(line)\(end)".utf8))
        } else if progress.rows == progress.total {
            FileHandle.standardError.write(Data("\(line)\n".utf8))
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the state of a topology to a file.",
            discussion: """
                Twins, the states and timers of processors, scenes, alerts, what models said, parked records, offsets and what is \
                not yet published, as of one moment; workers may run. History, rollups and other dead letters are not in it: pg_dump moves them.
                The file is LZ4 (lz4 -t checks it).

                EXAMPLE
                  EGIZ_DATABASE_URL=postgres://egiz@db/egiz egiz state export filling-line filling-line.egiz.lz4
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "A topology file, or the name of a deployed topology.") var topology: String
        @Argument(help: "The file to write; it appears when it is whole.") var file: String

        func run() async throws {
            let settings = try await Program.start(common)
            let connection = try PostgresConnection(
                url: settings.requiredDatabaseURL, applicationName: "egiz-state")
            let shape = try StateCommand.shape(topology, connection)
            let report = try StateArchive(connection).export(shape, to: file, progress: StateCommand.show)
            Console.print(
                "\(file): \(report["twin"]) twins, \(report["state"]) states, \(report["timer"]) timers, \(report["ml_prediction"]) predictions, \(report.bytes) bytes"
            )
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads the state of a topology from a file.",
            discussion: """
                In one transaction, with the workers of the topology stopped. The file must be of the same stages, partitions \
                and processors. The topology goes on at the offsets of the file; where the log is another one, it stops at the \
                gap unless its source says onGap: report.

                EXAMPLE
                  EGIZ_DATABASE_URL=postgres://egiz@new/egiz egiz state import Topologies/filling-line.yaml \\
                    filling-line.egiz.lz4 --dry-run
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "A topology file, or the name of a deployed topology.") var topology: String
        @Argument(help: "The file that `egiz state export` wrote.") var file: String
        @ArgumentParser.Flag(help: "Do all of it and take it back: says what would be imported, or why not.")
        var dryRun = false
        @ArgumentParser.Flag(help: "Delete the state that the topology has here before.") var replace = false

        func run() async throws {
            let settings = try await Program.start(common)
            _ = try Program.migrate(settings.requiredDatabaseURL)
            let connection = try PostgresConnection(
                url: settings.requiredDatabaseURL, applicationName: "egiz-state")
            let shape = try StateCommand.shape(topology, connection)
            let report = try StateArchive(connection).restore(
                shape, from: file, replace: replace, dryRun: dryRun, progress: StateCommand.show)
            Console.print(
                "\(dryRun ? "would import" : "imported") \(report["twin"]) twins, \(report["state"]) states, \(report["timer"]) timers, \(report["ml_prediction"]) predictions, \(report["dead_letter"]) parked records"
            )
        }
    }
}
