import ArgumentParser
import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin
import Foundation

/// Waits for the owners of tasks to serve requests, and says what came of them.
struct RedriveWatch {
    let connection: PostgresConnection
    let plan: RedrivePlan
    let requests: [Int64]
    /// Things that had parked letters among them.
    let things: [String]

    init(_ connection: PostgresConnection, plan: RedrivePlan, requests: [Int64], things: [String]) {
        self.connection = connection
        self.plan = plan
        self.requests = requests
        self.things = things
    }

    /// - Throws: exit code 1 where letters failed again, or not all requests were served in time.
    func run(seconds: Int, isWaiting: Bool) async throws {
        let numbers = requests.map(String.init).joined(separator: " ")
        guard isWaiting else {
            return Console.print(
                "asked for: \(plan.count) letters, requests \(numbers); `egiz dlq requests \(numbers)` says how far they are"
            )
        }
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        var told: Set<TaskID> = []
        while true {
            let progress = try RedriveRequests(connection).progress(requests)
            let open = progress.filter { !$0.isDone }
            if open.isEmpty { return try finish(progress) }
            for request in open where !told.contains(request.task) {
                switch request.owner {
                case .worker: continue
                case .nobody: Console.print("waiting for a worker: nobody owns task \(request.task)")
                case .paused:
                    Console.print(
                        "waiting for a worker: topology \(request.task.stage.topology) does not run; `egiz topology resume` starts it"
                    )
                }
                told.insert(request.task)
            }
            guard ContinuousClock.now < deadline else {
                let counts = Self.counts(progress)
                Console.print(
                    "\(counts.done) \(verb), \(counts.failed) failed again so far; \(open.count) of \(requests.count) requests are not done after \(seconds) s and go on: `egiz dlq requests \(numbers)`"
                )
                throw ExitCode(1)
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private var verb: String { plan.action == .retry ? "processed" : "discarded" }

    private static func counts(_ progress: [RedriveProgress]) -> (done: Int64, failed: Int64) {
        (progress.reduce(0) { $0 + $1.resolved }, progress.reduce(0) { $0 + $1.failed })
    }

    private func finish(_ progress: [RedriveProgress]) throws {
        let counts = Self.counts(progress)
        // A queue may have grown while it was served.
        let left = max(0, Int64(plan.count) - counts.done - counts.failed)
        var words = ["\(counts.done) \(verb)"]
        if plan.action == .retry { words.append("\(counts.failed) failed again") }
        if left > 0 { words.append("\(left) not tried: they wait behind a parked letter of their thing, or are gone") }
        Console.print(words.joined(separator: ", "))
        let queries = DeadLetterQueries(connection)
        for text in things {
            guard let thing = try? ThingID(validating: text) else { continue }
            let waiting = try queries.count(DeadLetterFilter(thing: thing, disposition: .parked))
            if waiting == 0 {
                Console.print("\(DeadLetterText.clean(text)) goes on")
            } else {
                Console.print(
                    "\(DeadLetterText.clean(text)) is still parked with \(waiting) record\(waiting == 1 ? "" : "s"): `egiz dlq list --thing \(DeadLetterText.clean(text))` says why, `egiz dlq retry --thing \(DeadLetterText.clean(text))` tries them"
                )
            }
        }
        if counts.failed > 0 || left > 0 { throw ExitCode(1) }
    }
}
