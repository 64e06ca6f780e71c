import ArgumentParser
import EgizCore
import EgizPostgres

/// `egiz audit`: who did what.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The audit log: list it, and check that nobody changed it.",
        discussion: """
            EXAMPLES
              egiz audit list --object thing:com.example:filler-1
              egiz audit verify
            """,
        subcommands: [List.self, Verify.self])

    static func connect(_ common: CommonOptions) async throws -> PostgresConnection {
        let settings = try await Program.start(common)
        let url = try settings.requiredDatabaseURL
        _ = try Program.migrate(url)
        return try PostgresConnection(url: url, applicationName: "egiz-audit")
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists entries, the newest first.", discussion: "EXAMPLE\n  egiz audit list --action project.")
        @OptionGroup var common: CommonOptions
        @Option(help: "Who, such as user:<id>, key:<id> or operator.") var actor: String?
        @Option(help: "An action, or with a dot at the end all that begin so.") var action: String?
        @Option(help: "To what, such as thing:<id> or project:<id>.") var object: String?
        @Option(help: "Most entries to show.") var limit = 50

        func run() async throws {
            guard (1...100_000).contains(limit) else { throw ValidationError("--limit goes from 1 to 100000") }
            let filter = AuditQueries.Filter(actor: actor, action: action, object: object)
            let page = try AuditQueries(try await AuditCommand.connect(common)).page(filter, before: nil, limit: limit)
            guard !page.entries.isEmpty else { return Console.print("no entries") }
            var rows = [["ID", "AT", "WHO", "ACTION", "OBJECT", "FROM"]]
            for entry in page.entries {
                rows.append([
                    "\(entry.id)", DeadLetterText.time(entry.at),
                    DeadLetterText.clean(entry.actorName.isEmpty ? entry.actor : entry.actorName), entry.action,
                    DeadLetterText.short(DeadLetterText.clean(entry.object), 60), entry.remoteAddress ?? "-",
                ])
            }
            Console.print(
                DeploymentText.table(rows) + (page.hasMore ? "\n… the newest \(limit); --limit shows more" : ""))
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks that no entry was changed, taken out or put in between.",
            discussion: """
                Prints the end of the chain. Note it outside of the database: given back with --noted, it shows that nothing before it \
                was rewritten, even by somebody who computed all hashes anew.

                EXAMPLE
                  egiz audit verify --noted 4711:9f86d081884c7d65…
                """)
        @OptionGroup var common: CommonOptions
        @Option(help: "An end that an earlier run printed, ID:HASH.") var noted: String?

        func run() async throws {
            let head = try noted.map(Self.head)
            switch try AuditVerifier(try await AuditCommand.connect(common)).verify(noted: head) {
            case .intact(let count, let head):
                Console.print("intact: \(count) entries\nhead \(head.id):\(AuditCommand.hex(head.hash))")
            case .broken(let id, let why):
                Console.print("BROKEN at entry \(id): \(why)")
                throw ExitCode(1)
            }
        }

        private static func head(_ text: String) throws -> AuditVerifier.Head {
            let parts = text.split(separator: ":")
            guard parts.count == 2, let id = Int64(parts[0]), parts[1].utf8.count == 64 else {
                throw ValidationError("--noted is ID:HASH as `egiz audit verify` prints it")
            }
            var hash: [UInt8] = []
            var rest = parts[1]
            while !rest.isEmpty {
                guard let byte = UInt8(rest.prefix(2), radix: 16) else {
                    throw ValidationError("--noted is ID:HASH as `egiz audit verify` prints it")
                }
                hash.append(byte)
                rest = rest.dropFirst(2)
            }
            return AuditVerifier.Head(id: id, hash: hash)
        }
    }
}
