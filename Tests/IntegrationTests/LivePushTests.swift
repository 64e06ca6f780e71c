import EgizCore
import EgizKafka
import EgizTesting
import EgizTwin
import Foundation
import Logging
import TestSupport
import Testing

/// From the device to the socket, through everything: Kafka, the projector, the outbox, the tail, the hub.
@Suite(.serialized)
struct LivePushTests {
    private struct Run: Decodable {
        var api: String
        var kafka: String
    }

    private static let topology = """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: live }
        spec:
          commit: { interval: 10ms }
          sources:
            events: { topics: [{ name: live.events, partitions: 2 }], format: ditto }
          processors:
            twins: { kind: twin-projector, from: events, to: framework.notifications.v1.twin }
        """

    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "egiz-live-\(UUID().uuidString.prefix(8))")

    private func start() async throws -> (program: Program, run: Run) {
        try await blocking {
            let topologies = folder.appendingPathComponent("topologies")
            try FileManager.default.createDirectory(at: topologies, withIntermediateDirectories: true)
            try Self.topology.write(
                to: topologies.appendingPathComponent("live.yaml"), atomically: true, encoding: .utf8)
            let data = folder.appendingPathComponent("data")
            let program = try Program(
                "egiz", ["up", "--kafka-port", "0", "--topologies", topologies.path],
                environment: ["EGIZ_DATA_DIR": data.path, "EGIZ_HTTP_ADDRESS": "127.0.0.1:0"])
            let file = data.appendingPathComponent("run.json")
            let up = eventually(within: 60) { FileManager.default.fileExists(atPath: file.path) || !program.isRunning }
            try #require(up && program.isRunning, "\(program.output)")
            return (program, try JSONDecoder().decode(Run.self, from: Data(contentsOf: file)))
        }
    }

    private func rest(_ run: Run) throws -> JSONObject? {
        guard let answer = HTTPClient.get("\(run.api)/api/v1/twins/\(RandomEvents.thing)") else { return nil }
        return answer.status == 200 ? try JSONParser().parse([UInt8](answer.body)).object : nil
    }

    /// Reads messages into a copy until it has that revision; the last token that came.
    private func read(
        _ socket: inout SocketClient, _ copy: inout TwinCopy, until revision: Int64
    ) async throws -> String? {
        var token: String?
        while copy.document?["_revision"] != .int(revision) {
            guard case .text(let text) = try await socket.next() else {
                Issue.record("the socket was closed")
                return nil
            }
            let message = try JSONParser().parse(Array(text.utf8)).object
            token = message?["resume"]?.string ?? token
            guard let type = message?["type"]?.string, case .array(let items) = message?["items"] else { continue }
            for item in items {
                let value = item.object?["value"]?.object
                if type == "snapshot" { copy.document = value } else { try copy.apply(try #require(value)) }
            }
        }
        return token
    }

    @Test(.timeLimit(.minutes(3)))
    func aSocketHasWhatRestShowsAlsoAfterItWasAwayAndAfterARestart() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var events = RandomEvents(random: SeededGenerator(seed: 5))
        let (first, run) = try await start()
        var producer = try KafkaProducer(brokers: run.kafka, log: Logger(label: "test"))
        var revision: Int64 = 0
        func push(_ count: Int) throws {
            for _ in 0..<count {
                revision += 1
                var (path, value) = events.target()
                var action = events.pick(["modified", "merged", "merged", "deleted"])
                if revision == 1 { (action, path, value) = ("created", [], events.whole()) }
                if path.isEmpty, action == "deleted" { action = "modified" }
                try producer.send(
                    topic: "live.events", key: Array(RandomEvents.thing.utf8),
                    value: Array(RandomEvents.record(action, path, value, revision).utf8))
            }
            try #require(producer.flush(timeout: .seconds(10)))
        }
        try push(20)
        _ = try await blocking { eventually(within: 20) { (try? rest(run)) != nil } }
        let port = try #require(URLComponents(string: run.api)?.port)
        var copy = TwinCopy()
        var token: String?
        // The snapshot, then changes, while events come.
        try await SocketClient.open(port: port) { socket in
            try await socket.send(#"{"type":"subscribe","things":["\#(RandomEvents.thing)"]}"#)
            _ = try await socket.message("welcome")
            try push(100)
            token = try await read(&socket, &copy, until: revision)
            let shown = try await blocking { try rest(run) }
            #expect(TwinCopy.isSame(copy.document, shown))
        }
        // Away, and back with the token: without a snapshot the copy is complete again.
        try push(50)
        try await SocketClient.open(port: port) { socket in
            try await socket.send(#"{"type":"subscribe","resume":"\#(try #require(token))"}"#)
            token = try await read(&socket, &copy, until: revision) ?? token
            let shown = try await blocking { try rest(run) }
            #expect(TwinCopy.isSame(copy.document, shown))
            // The server stops: it says so, and does not wait for us.
            let stopping = ContinuousClock.now
            let stopped = Task { try await blocking { first.stop(SIGINT) } }
            #expect(try await socket.closeCode() == 1001)
            #expect(try await stopped.value == 0, "\(first.output)")
            #expect(.now - stopping < .seconds(6))
        }
        // Started again: the embedded log begins at 0, where the rows have higher offsets from before. The old token means nothing in it.
        let (second, again) = try await start()
        producer = try KafkaProducer(brokers: again.kafka, log: Logger(label: "test"))
        let secondPort = try #require(URLComponents(string: again.api)?.port)
        try await SocketClient.open(port: secondPort) { socket in
            try await socket.send(
                #"{"type":"subscribe","things":["\#(RandomEvents.thing)"],"resume":"\#(try #require(token))"}"#)
            _ = try await socket.message("resync")
            copy = TwinCopy()
            for _ in 0..<3 {
                try push(5)
                _ = try await read(&socket, &copy, until: revision)
            }
            let shown = try await blocking { try rest(again) }
            #expect(TwinCopy.isSame(copy.document, shown))
        }
        #expect(try await blocking { second.stop(SIGINT) } == 0, "\(second.output)")
    }
}
