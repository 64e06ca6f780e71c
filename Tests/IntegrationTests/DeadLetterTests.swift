import EgizCore

import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTesting
import EgizTwin
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing

@testable import EgizHTTP

/// Dead letters from the bad record to the twin that is right again: a worker on a real Postgres and a log in memory, `egiz dlq` as
/// a program, and the API (issue 3 part 5, rules 17 and 18).
@Suite(.serialized)
struct DeadLetterTests {
    private static let telemetry = Fleet.text("dead letters")
    private static let parking = """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line }
        spec:
          commit: { interval: 10ms }
          sources:
            events: { topics: [events], format: ditto, onError: park }
          processors:
            twins: { kind: twin-projector, from: events }
            history: { kind: history-writer, from: twins, include: ["/**"] }
        """

    private func dlq(_ fleet: Fleet, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let program = try Program("egiz", ["dlq"] + arguments, environment: ["EGIZ_DATABASE_URL": fleet.database])
        let status = program.wait()
        // The pipe is read on another thread; its end may come after the program's.
        _ = eventually(within: 2) { !program.output.isEmpty }
        return (status, program.output)
    }

    private func connect(_ fleet: Fleet) throws -> PostgresConnection {
        try PostgresConnection(url: fleet.database, applicationName: "egiz-test")
    }

    private func twin(_ fleet: Fleet, _ id: String) throws -> JSONValue? {
        let rows = try connect(fleet).query("select document from egiz.twin where thing_id = $1", [.text(id)])
        return try rows.first?.bytes(0).map { try JSONParser().parse($0) }
    }

    private func letters(_ fleet: Fleet, _ count: Int64) throws -> Bool {
        try eventually(within: 30) {
            try connect(fleet).query("select count(*) from egiz.dead_letter").int64(0, 0) == count
        }
    }

    private func append(_ fleet: Fleet, _ thing: String, _ value: String, _ milliseconds: Int64) {
        fleet.log.append(
            "events", key: thing, value: value,
            at: EventTime(microseconds: (1_767_225_600_000 + milliseconds) * 1000))
    }

    private func telemetry(_ thing: String, _ x: String, _ n: Int64) -> String {
        #"{"thingId":"\#(thing)","timestamp":\#(1_767_225_600_000 + n),"features":{"f":{"x":\#(x)}}}"#
    }

    private func ditto(_ action: String, _ path: String, _ value: String, _ revision: Int) -> String {
        #"{"topic":"org.acme/p1/things/twin/events/\#(action)","path":"\#(path)","value":\#(value),"revision":\#(revision),"timestamp":"2026-03-02T06:00:0\#(revision)Z"}"#
    }

    // MARK: The program

    @Test(.timeLimit(.minutes(3)))
    func aBadRecordIsMendedRehearsedAndProcessed() async throws {
        let fleet = try Fleet()
        _ = try fleet.apply(Self.telemetry)
        let worker = fleet.worker("w")
        append(fleet, "t:a", telemetry("t:a", "1", 1), 1)
        append(fleet, "t:a", telemetry("t:a", "NaN", 2), 2)
        #expect(try await blocking { try letters(fleet, 1) })
        try await blocking {
            let list = try dlq(fleet, ["list", "--topology", "line", "--code", "json"])
            #expect(list.status == 0 && list.output.contains("line.events"), "\(list.output)")
            #expect(try dlq(fleet, ["list", "--topology", "other"]).output.contains("no dead letters"))
            let show = try dlq(fleet, ["show", "1"])
            #expect(
                show.output.contains(#""features":{"f":{"x":NaN}}"#) && show.output.contains("key"), "\(show.output)")

            _ = try connect(fleet).query("update egiz.dead_letter set retry_at = '2199-01-01T00:00:00Z'")
            #expect(try dlq(fleet, ["list"]).output.contains("dead, again 2199-01-01 00:00:00Z"))
            #expect(try dlq(fleet, ["show", "1"]).output.contains("2199-01-01T00:00:00Z of stream time"))
            #expect(try dlq(fleet, ["show", "1", "--json"]).output.contains("\"retryAt\""))

            let fails = try dlq(fleet, ["retry", "1"])
            #expect(fails.status == 0 && fails.output.contains("would fail again: json"), "\(fails.output)")
            let again = try dlq(fleet, ["retry", "1", "--yes"])
            #expect(again.status == 1 && again.output.contains("0 processed, 1 failed again"), "\(again.output)")

            let mended = FileManager.default.temporaryDirectory.appendingPathComponent("egiz-\(UUID().uuidString).json")
            defer { try? FileManager.default.removeItem(at: mended) }
            try telemetry("t:b", "2", 2).write(to: mended, atomically: true, encoding: .utf8)
            let other = try dlq(fleet, ["edit", "1", "--value", mended.path])
            #expect(other.status != 0 && other.output.contains("cannot change the thing id"), "\(other.output)")
            try telemetry("t:a", "2", 2).write(to: mended, atomically: true, encoding: .utf8)
            let edit = try dlq(fleet, ["edit", "1", "--value", mended.path, "--by", "night shift"])
            #expect(edit.status == 0, "\(edit.output)")
            #expect(try dlq(fleet, ["show", "1"]).output.contains("by night shift"))

            let dry = try dlq(fleet, ["retry", "1"])
            #expect(
                dry.output.contains("would be processed: 1 sample, 0 emitted, revision 1 -> 2"), "\(dry.output)")
            #expect(try letters(fleet, 1))
            #expect(try connect(fleet).query("select from egiz.redrive where state = 'open'").isEmpty)

            let done = try dlq(fleet, ["retry", "1", "--yes"])
            #expect(done.status == 0 && done.output.contains("1 processed, 0 failed again"), "\(done.output)")
            #expect(try letters(fleet, 0))
            #expect(try twin(fleet, "t:a")?.text.contains(#""x":2"#) == true)
            #expect(try dlq(fleet, ["retry", "1"]).status == 1)
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func aParkedThingIsReleasedInOrder() async throws {
        let fleet = try Fleet()
        _ = try fleet.apply(Self.parking)
        let worker = fleet.worker("w")
        append(fleet, "org.acme:p1", ditto("created", "/", #"{"thingId":"org.acme:p1","attributes":{"a":1}}"#, 1), 1)
        append(fleet, "org.acme:p1", ditto("merged", "/attributes", "5", 2), 2)
        append(fleet, "org.acme:p1", ditto("modified", "/attributes/a", "3", 3), 3)
        append(fleet, "org.acme:p1", ditto("modified", "/attributes/a", "4", 4), 4)
        #expect(try await blocking { try letters(fleet, 3) })
        try await blocking {
            let things = try dlq(fleet, ["list", "--things"])
            #expect(things.output.contains("org.acme:p1") && things.output.contains("merge"), "\(things.output)")
            let stuck = try dlq(fleet, ["retry", "--thing", "org.acme:p1"])
            #expect(stuck.output.contains("1 would fail again, 2 would wait"), "\(stuck.output)")

            // What waits cannot overtake, also where somebody names it alone.
            let behind = try dlq(fleet, ["retry", "2", "--yes"])
            #expect(behind.status == 1 && behind.output.contains("1 not tried"), "\(behind.output)")
            #expect(try letters(fleet, 3))

            let edit = try dlq(fleet, ["edit", "1", "--set", #"/value={"b":2}"#])
            #expect(edit.status == 0, "\(edit.output)")
            let dry = try dlq(fleet, ["retry", "--thing", "org.acme:p1"])
            #expect(dry.output.contains("revision 1 -> 2") && dry.output.contains("revision 3 -> 4"), "\(dry.output)")
            let done = try dlq(fleet, ["retry", "--thing", "org.acme:p1", "--yes"])
            #expect(done.status == 0 && done.output.contains("3 processed, 0 failed again"), "\(done.output)")
            #expect(done.output.contains("org.acme:p1 goes on"), "\(done.output)")
            #expect(try twin(fleet, "org.acme:p1")?.object?["attributes"]?.text == #"{"a":4,"b":2}"#)
        }
        append(fleet, "org.acme:p1", ditto("modified", "/attributes/a", "5", 5), 5)
        #expect(
            try await blocking {
                try eventually(within: 30) { try twin(fleet, "org.acme:p1")?.text.contains(#""a":5"#) == true }
            })
        // In the order of the log: each sample has its time, and the last one is the last.
        let values = try connect(fleet).query(
            "select number from egiz.history where thing_id = 'org.acme:p1' and path = '/attributes/a' order by time")
        #expect(values.map { $0.double(0) } == [1, 3, 4, 5])
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func whatIsDiscardedIsGoneAndItsQueueGoesOnWhenTold() async throws {
        let fleet = try Fleet()
        _ = try fleet.apply(Self.parking)
        let worker = fleet.worker("w")
        append(fleet, "org.acme:p1", ditto("created", "/", #"{"thingId":"org.acme:p1","attributes":{"a":1}}"#, 1), 1)
        append(fleet, "org.acme:p1", ditto("merged", "/attributes", "5", 2), 2)
        append(fleet, "org.acme:p1", ditto("modified", "/attributes/a", "3", 3), 3)
        #expect(try await blocking { try letters(fleet, 2) })
        try await blocking {
            let dry = try dlq(fleet, ["discard", "1"])
            #expect(dry.output.contains("would be dropped: merge") && dry.output.contains("--yes"), "\(dry.output)")
            #expect(try letters(fleet, 2))
            let done = try dlq(fleet, ["discard", "1", "--yes"])
            #expect(done.status == 0 && done.output.contains("1 discarded"), "\(done.output)")
            #expect(done.output.contains("still parked with 1 record"), "\(done.output)")
            let rest = try dlq(fleet, ["retry", "--all", "--topology", "line", "--yes"])
            #expect(rest.status == 0 && rest.output.contains("1 processed"), "\(rest.output)")
            #expect(try twin(fleet, "org.acme:p1")?.text.contains(#""a":3"#) == true)
        }
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func aRequestWaitsForAWorkerAndIsServedAtItsRate() async throws {
        let fleet = try Fleet(partitions: 1)
        _ = try fleet.apply(Self.telemetry)
        var worker = fleet.worker("w")
        for n in 1...12 { append(fleet, "t:a", telemetry("t:a", "NaN", Int64(n)), Int64(n)) }
        #expect(try await blocking { try letters(fleet, 12) })
        try await worker.stop()
        try await blocking {
            let waits = try dlq(
                fleet,
                [
                    "discard", "--all", "--topology", "line", "--code", "json", "--rate", "4/s", "--yes", "--timeout",
                    "1",
                ])
            #expect(waits.status == 1 && waits.output.contains("waiting for a worker"), "\(waits.output)")
            #expect(try dlq(fleet, ["requests"]).output.contains("waits for a worker"))
        }
        worker = fleet.worker("w2")
        // Twelve letters at four a second take two seconds at least: the first goes at once.
        let requested = try connect(fleet)
        #expect(
            try await blocking {
                try eventually(within: 30) {
                    try requested.query("select from egiz.redrive where state = 'done' and resolved = 12").count == 1
                }
            })
        let took = try requested.query(
            "select extract(epoch from finished_at - (select acquired_at from egiz.task where partition = 0)) from egiz.redrive"
        )
        #expect(took.first?.double(0) ?? 0 > 2)
        try await worker.stop()
    }

    // MARK: The API

    @Test(.timeLimit(.minutes(3)))
    func theAPIEditsRehearsesAndRedrives() async throws {
        let fleet = try Fleet()
        _ = try fleet.apply(Self.telemetry)
        let worker = fleet.worker("w")
        append(fleet, "t:a", telemetry("t:a", "1", 1), 1)
        append(fleet, "t:a", telemetry("t:a", "NaN", 2), 2)
        #expect(try await blocking { try letters(fleet, 1) })
        let pool = PostgresPool(url: fleet.database, applicationName: "egiz-http-test", size: 2)
        defer { pool.close() }
        let server = APIServer(
            configuration: APIConfiguration(port: 0), pool: pool, lag: nil,
            rehearsal: RehearsalSetup(registry: .builtin, url: fleet.database, read: Fleet.read),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await server.application().test(.router) { client in
            func send(
                _ method: HTTPRequest.Method, _ uri: String, _ body: String, ifMatch: String? = nil
            ) async throws -> (Int, JSONValue) {
                var headers: HTTPFields = [.contentType: "application/json"]
                headers[.ifMatch] = ifMatch
                let response = try await client.executeRequest(
                    uri: uri, method: method, headers: headers,
                    body: ByteBuffer(string: body))
                return (response.status.code, try JSONParser().parse(Array(buffer: response.body)))
            }
            let order = "/api/v1/dead-letters/redrive"
            let fails = try await send(.post, order, #"{"action":"retry","ids":[1]}"#)
            #expect(fails.0 == 200 && fails.1.text.contains(#""outcome":"fails","code":"json""#), "\(fails)")
            let other = try await send(.patch, "/api/v1/dead-letters/1", telemetry("t:b", "2", 2))
            #expect(other.0 == 422, "\(other)")
            let value = telemetry("t:a", "2", 2)
            let unseen = try await send(.patch, "/api/v1/dead-letters/1", value)
            #expect(unseen.0 == 428, "\(unseen)")
            let edit = try await send(.patch, "/api/v1/dead-letters/1", value, ifMatch: #""rev:0""#)
            #expect(edit.0 == 200 && edit.1.object?["editedBy"] == .string("local operator"), "\(edit)")
            let late = try await send(.patch, "/api/v1/dead-letters/1", value, ifMatch: #""rev:0""#)
            #expect(late.0 == 412, "\(late)")
            let dry = try await send(.post, order, #"{"action":"retry","topology":"line"}"#)
            #expect(dry.1.text.contains(#""outcome":"processed","thingId":"t:a","samples":1"#), "\(dry)")
            #expect(try await blocking { try letters(fleet, 1) })
            let asked = try await send(.post, order, #"{"action":"retry","ids":[1],"dryRun":false}"#)
            #expect(asked.0 == 202, "\(asked)")
        }
        #expect(try await blocking { try letters(fleet, 0) })
        #expect(try twin(fleet, "t:a")?.text.contains(#""x":2"#) == true)
        try await worker.stop()
    }
}
