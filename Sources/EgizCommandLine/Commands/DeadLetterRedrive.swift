import ArgumentParser
import EgizCore
import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTwin
import Foundation

extension DeadLetterCommand {
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has letters processed again, in their order, by the workers that own them.",
            discussion: """
                Without --yes nothing happens: the letters are run in memory against the stored twins, and for each it says what \
                would become of it. Parked letters go in the order of the log; the thing goes on with the last one.

                EXAMPLES
                  egiz dlq retry 17 18
                  egiz dlq retry --thing org.acme:machine-7 --yes
                  egiz dlq retry --all --topology filling-line --code value --rate 100/s --yes
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var redrive: RedriveOptions

        func run() async throws { try await redrive.run(.retry, common) }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drops letters for good.",
            discussion: """
                Without --yes nothing happens, and it says which letters would go. What queued behind a dropped letter still \
                waits: retry its thing.

                EXAMPLES
                  egiz dlq discard 17 --yes
                  egiz dlq discard --all --topology filling-line --code json --yes
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var redrive: RedriveOptions

        func run() async throws { try await redrive.run(.discard, common) }
    }
}

/// Which letters, and how.
struct RedriveOptions: ParsableArguments {
    @Argument(help: "Ids that `egiz dlq list` shows.") var ids: [Int64] = []
    @Option(help: "All letters of this thing.") var thing: String?
    @ArgumentParser.Flag(help: "All letters of --topology, or those with --code.") var all = false
    @Option(help: "With --all: of this topology.") var topology: String?
    @Option(help: "With --all: only those with this code; a parked thing that has one goes with its whole queue.")
    var code: String?
    @Option(help: "At most so many letters a second, such as 100/s, over all tasks.") var rate: String?
    @ArgumentParser.Flag(help: "Do it. Without it nothing is changed.") var yes = false
    @ArgumentParser.Flag(inversion: .prefixedNo, help: "Wait until it is done.") var wait = true
    @Option(help: "Stop waiting after this many seconds; the request goes on.") var timeout = 30
    @Option(help: "Without --yes: try and show this many letters at most.") var limit = 100
    @Option(help: "Who asks for it; written down. Default: user@host.") var by: String?

    func validate() throws {
        guard [!ids.isEmpty, thing != nil, all].count(where: { $0 }) == 1 else {
            throw ValidationError("say which letters: their ids, --thing ID, or --all --topology NAME")
        }
        guard all == (topology != nil) else { throw ValidationError("--all and --topology go together") }
        guard all || code == nil else { throw ValidationError("--code goes with --all --topology") }
        guard timeout >= 0, limit > 0 else { throw ValidationError("--timeout and --limit are positive") }
    }

    private func selection() throws -> RedriveSelection {
        if let thing { return .thing(try DeadLetterCommand.thing(thing)) }
        if let topology { return .all(topology: topology, code: code) }
        return .letters(ids)
    }

    private func perSecond() throws -> Int? {
        guard let rate else { return nil }
        let text = rate.hasSuffix("/s") ? String(rate.dropLast(2)) : rate
        guard let number = Int(text), (1...1_000_000).contains(number) else {
            throw ValidationError("--rate is a number of letters a second, such as 100/s")
        }
        return number
    }

    func run(_ action: RedriveBatch.Action, _ common: CommonOptions) async throws {
        let rate = try perSecond()
        let selection = try selection()
        let settings = try await Program.start(common)
        let url = try settings.requiredDatabaseURL
        _ = try Program.migrate(url)
        let connection = try PostgresConnection(url: url, applicationName: "egiz-dlq")
        let plan = try RedriveRequests(connection).plan(selection, action)
        for id in plan.missing { Console.print("\(id): there is no such letter (any more)") }
        guard plan.count > 0 else {
            Console.print("no dead letters fit")
            if !plan.missing.isEmpty { throw ExitCode(1) }
            return
        }
        guard yes else {
            let dryRun = RedriveReport(connection, limit: limit)
            switch action {
            case .retry: try dryRun.rehearse(plan, url: url)
            case .discard: try dryRun.list(plan)
            }
            return
        }
        let things = try DeadLetterQueries(connection).parkedThings(among: plan.parts.flatMap(\.letters), limit: 20)
        let person = by ?? DeadLetterCommand.user
        let letters = plan.parts.reduce(0) { $0 + $1.letters.count }
        let requests = try RedriveRequests(connection).store(plan, rate: rate, by: person) {
            ids, connection throws(EngineError) in
            for id in ids {
                try AuditWriter.append(
                    connection,
                    AuditEntry(
                        actor: "operator:\(person)", action: "dead-letter.\(plan.action.rawValue)",
                        object: "redrive:\(id)",
                        after: [("letters", .int(Int64(letters)))]))
            }
        }
        let watch = RedriveWatch(connection, plan: plan, requests: requests, things: things)
        try await watch.run(seconds: wait ? timeout : 0, isWaiting: wait)
    }
}
