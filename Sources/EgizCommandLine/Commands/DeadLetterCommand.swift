import ArgumentParser
import EgizCore
import EgizPostgres
import EgizTopologyFile
import EgizTwin
import Foundation

/// `egiz dlq`: what could not be processed.
struct DeadLetterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq", abstract: "Dead letters: list, show, edit, retry, discard.",
        discussion: """
            EXAMPLES
              egiz dlq list --since 1h
              egiz dlq show 17
              egiz dlq edit 17 --set /features/filler/temperature=21.5
              egiz dlq retry 17            what it would do now; --yes does it
              egiz dlq retry --thing org.acme:machine-7 --yes
            """,
        subcommands: [List.self, Show.self, Edit.self, Retry.self, Discard.self, Requests.self])

    static func connect(_ common: CommonOptions) async throws -> PostgresConnection {
        let settings = try await Program.start(common)
        let url = try settings.requiredDatabaseURL
        _ = try Program.migrate(url)
        return try PostgresConnection(url: url, applicationName: "egiz-dlq")
    }

    static func thing(_ text: String) throws -> ThingID {
        do {
            return try ThingID(validating: text)
        } catch {
            throw ValidationError(error.message)
        }
    }

    /// `30m` ago, or a time.
    static func time(_ text: String) throws -> EventTime {
        if let milliseconds = DurationText.milliseconds(text) {
            let now = Int64(Date.now.timeIntervalSince1970 * 1_000_000)
            return EventTime(microseconds: now).advanced(byMicroseconds: -milliseconds.multipliedClamped(by: 1000))
        }
        do {
            return try Timestamp(parsing: text).eventTime
        } catch {
            throw ValidationError("--since is a duration such as 30m, 2h, 1d, or a time such as 2026-01-31T12:00:00Z")
        }
    }

    /// Who does it, where nobody says so.
    static var user: String { "\(NSUserName())@\(ProcessInfo.processInfo.hostName)" }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists parked things with their queues, then letters, the newest first.",
            discussion: """
                A parked thing is one whose records wait, in order, behind one that failed (onError: park).

                EXAMPLES
                  egiz dlq list --topology filling-line --code json
                  egiz dlq list --things
                  egiz dlq list --thing org.acme:machine-7 --json | jq '.items[].id'
                """)
        @OptionGroup var common: CommonOptions
        @Option(help: "Of this topology.") var topology: String?
        @Option(help: "Of this source.") var source: String?
        @Option(help: "Of this thing.") var thing: String?
        @Option(help: "With this code, such as json or merge.") var code: String?
        @ArgumentParser.Flag(help: "Only parked letters.") var parked = false
        @ArgumentParser.Flag(help: "Only the parked things, all of them.") var things = false
        @Option(help: "Written since: 30m, 2h, 1d ago, or a time in RFC 3339.") var since: String?
        @Option(help: "Most letters to show.") var limit = 50
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            guard (1...100_000).contains(limit) else { throw ValidationError("--limit goes from 1 to 100000") }
            let filter = DeadLetterFilter(
                topology: topology, source: source, thing: try thing.map(DeadLetterCommand.thing), code: code,
                disposition: parked ? .parked : nil, since: try since.map(DeadLetterCommand.time))
            let queries = DeadLetterQueries(try await DeadLetterCommand.connect(common))
            let queue = try queries.parkedThings(filter, limit: things ? 100_000 : 10)
            let page = things ? nil : try queries.page(filter, limit: limit)
            if json {
                return Console.print(
                    try DeploymentText.json(DeadLetterJSON.Listing(queue.things, queue.found, page?.letters ?? [])))
            }
            var parts: [String] = []
            if !queue.things.isEmpty { parts.append(DeadLetterText.table(queue.things, found: queue.found)) }
            if let page, !page.letters.isEmpty {
                let count = page.hasMore ? try queries.count(filter) : Int64(page.letters.count)
                parts.append(DeadLetterText.table(page.letters, found: count))
            }
            if parts.isEmpty { parts.append(things ? "no thing is parked" : "no dead letters") }
            Console.print(parts.joined(separator: "\n\n"))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one letter with its record.",
            discussion: """
                EXAMPLES
                  egiz dlq show 17
                  egiz dlq show 17 --raw > value.json    the value that would be processed, byte for byte
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The id that `egiz dlq list` shows.") var id: Int64
        @ArgumentParser.Flag(help: "Only the value that would be processed, byte for byte.") var raw = false
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let queries = DeadLetterQueries(try await DeadLetterCommand.connect(common))
            guard let letter = try queries.letter(id) else { throw DeadLetterCommand.gone(id) }
            if raw {
                guard let value = letter.value else {
                    throw EngineError(.decode, .never, "the record is a tombstone, it has no value")
                }
                try FileHandle.standardOutput.write(contentsOf: Data(value))
            } else if json {
                Console.print(try DeploymentText.json(DeadLetterJSON.Whole(letter)))
            } else {
                Console.print(DeadLetterText.whole(letter))
            }
        }
    }

    static func gone(_ id: Int64) -> EngineError {
        EngineError(.decode, .never, "there is no dead letter \(id): it was processed, discarded, or never existed")
    }

    struct Requests: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what was asked for and how far it is: open requests first, then the latest.",
            discussion: "EXAMPLE\n  egiz dlq requests")
        @OptionGroup var common: CommonOptions
        @Argument(help: "Requests; without any, the latest.") var ids: [Int64] = []
        @ArgumentParser.Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let connection = try await DeadLetterCommand.connect(common)
            let requests = try RedriveRequests(connection).progress(ids.isEmpty ? nil : ids)
            if json { return Console.print(try DeploymentText.json(requests.map(DeadLetterJSON.Request.init))) }
            Console.print(requests.isEmpty ? "no requests" : DeadLetterText.table(requests))
        }
    }
}

extension Int64 {
    fileprivate func multipliedClamped(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
