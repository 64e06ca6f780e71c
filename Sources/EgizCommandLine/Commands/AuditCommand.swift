import ArgumentParser
import EgizCore
import EgizPostgres
import EgizTwin

/// `egiz audit`: who did what.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "The audit log: list it, check that nobody changed it, and take old entries away.",
        discussion: """
            EXAMPLES
              egiz audit list --object thing:com.example:filler-1
              egiz audit verify
              egiz audit cut --keep 400d
            """,
        subcommands: [List.self, Verify.self, Cut.self])

    static func connect(_ common: CommonOptions) async throws -> PostgresConnection {
        let settings = try await Program.start(common)
        let url = try settings.requiredDatabaseURL
        _ = try Program.migrate(url)
        return try PostgresConnection(url: url, applicationName: "egiz-audit")
    }

    /// An end that an earlier run printed.
    static func head(_ text: String) throws -> AuditVerifier.Head {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let id = Int64(parts[0]), let hash = Hexadecimal.bytes(parts[1]), hash.count == 32
        else {
            throw ValidationError("--noted is ID:HASH as `egiz audit verify` prints it")
        }
        return AuditVerifier.Head(id: id, hash: hash)
    }

    static func text(_ head: AuditVerifier.Head) -> String { "head \(head.id):\(Hexadecimal.text(head.hash))" }

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
            let head = try noted.map(AuditCommand.head)
            switch try AuditVerifier(try await AuditCommand.connect(common)).verify(noted: head) {
            case .intact(let count, let head, let cut):
                let before = cut > 0 ? "; those up to \(cut) were cut" : ""
                Console.print("intact: \(count) entries\(before)\n\(AuditCommand.text(head))")
            case .broken(let id, let why):
                Console.print("BROKEN at entry \(id): \(why)")
                throw ExitCode(1)
            }
        }
    }

    struct Cut: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes old entries away; what remains can still be checked.",
            discussion: """
                Checks the whole log first, and takes nothing from one that does not hold. The cut is an entry of the log itself. Note the \
                end that it prints: one that was noted before may be gone.

                EXAMPLE
                  egiz audit cut --keep 400d --dry-run
                """)
        @OptionGroup var common: CommonOptions
        @Option(help: "How long entries are kept, in days, such as 400d.") var keep: String?
        @Option(help: "Take away what was written before this time, such as 2026-01-01T00:00:00Z.") var before: String?
        @Option(help: "An end that an earlier run printed, ID:HASH; it must still be in the log.") var noted: String?
        @ArgumentParser.Flag(help: "Say how many would go, and do nothing.") var dryRun = false

        func validate() throws {
            guard (keep == nil) != (before == nil) else { throw ValidationError("say --keep or --before") }
            if let keep, AuditSettings.days(keep) == nil {
                throw ValidationError("--keep is a number of days, such as 400d")
            }
            _ = try before.map(Self.time)
            _ = try noted.map(AuditCommand.head)
        }

        private static func time(_ text: String) throws -> EventTime {
            do throws(TimestampError) {
                let time = try Timestamp(parsing: text)
                return EventTime(microseconds: time.seconds * 1_000_000 + Int64(time.nanoseconds) / 1000)
            } catch {
                throw ValidationError("--before: \(error.message)")
            }
        }

        func run() async throws {
            let retention = AuditRetention(try await AuditCommand.connect(common))
            let days = keep.flatMap(AuditSettings.days) ?? 0
            let time = try before.map(Self.time) ?? retention.time(daysAgo: days)
            if dryRun {
                return Console.print("\(max(0, try retention.count(before: time))) entries would go; nothing was done")
            }
            let outcome = try retention.cut(
                before: time, actor: "operator:\(DeadLetterCommand.user)", noted: try noted.map(AuditCommand.head))
            switch outcome {
            case .cut(let count, let head): Console.print("\(count) entries are gone\n\(AuditCommand.text(head))")
            case .broken(let id, let why):
                Console.print("BROKEN at entry \(id): \(why); nothing was taken away")
                throw ExitCode(1)
            }
        }
    }
}
