import EgizCore
import EgizKafka
import EgizTesting
import Foundation
import Logging
import Testing

/// `egiz up --demo` as a user meets it: embedded Kafka, private Postgres, the API and the simulator.
@Suite(.serialized)
struct UpTests {
    private struct Run: Decodable {
        var api: String
        var kafka: String
        var postgres: String
        var pid: Int32
    }

    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "egiz-up-\(UUID().uuidString.prefix(8))")

    private func start() throws -> (program: Program, run: Run) {
        let data = folder.appendingPathComponent("data")
        let program = try Program(
            "egiz", ["up", "--demo", "--kafka-port", "0", "--rate", "200", "--topologies", Self.topologies.path],
            environment: ["EGIZ_DATA_DIR": data.path, "EGIZ_HTTP_ADDRESS": "127.0.0.1:0"])
        let file = data.appendingPathComponent("run.json")
        let up = eventually(within: 60) { FileManager.default.fileExists(atPath: file.path) || !program.isRunning }
        try #require(up && program.isRunning, "\(program.output)")
        return (program, try JSONDecoder().decode(Run.self, from: Data(contentsOf: file)))
    }

    static var topologies: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Topologies")
    }

    private func revision(_ api: String, _ thing: String) -> Int64? {
        guard let answer = HTTPClient.get("\(api)/api/v1/twins/\(thing)?fields=_revision"), answer.status == 200,
            let object = try? JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        else { return nil }
        return (object["_revision"] as? NSNumber)?.int64Value
    }

    @Test(.timeLimit(.minutes(5)))
    func upShowsPushedEventsWithinASecondStopsCleanlyAndKeepsEverythingOverARestart() async throws {
        try await blocking {
            defer { try? FileManager.default.removeItem(at: folder) }
            let machine = "zonesun.hall3:filler-01"
            let (first, run) = try start()
            #expect(eventually(within: 30) { revision(run.api, machine) ?? 0 > 5 }, "\(first.output)")
            #expect(eventually(within: 20) { HTTPClient.get("\(run.api)/readyz")?.status == 200 }, "\(first.output)")

            // An event typed by hand.
            let producer = try KafkaProducer(brokers: run.kafka, log: Logger(label: "test"))
            let event = """
                {"topic":"by.hand/pump/things/twin/events/created","path":"/","value":{"thingId":"by.hand:pump","attributes":{"n":9007199254740993}},"revision":1,"timestamp":"2026-03-02T06:00:00Z"}
                """
            try producer.send(topic: "ditto.twin.events.v1", key: Array("by.hand:pump".utf8), value: Array(event.utf8))
            #expect(producer.flush(timeout: .seconds(10)))
            #expect(eventually(within: 1) { HTTPClient.get("\(run.api)/api/v1/twins/by.hand:pump")?.status == 200 })
            #expect(HTTPClient.get("\(run.api)/api/v1/twins/by.hand:pump")?.text.contains("9007199254740993") == true)
            let metrics = HTTPClient.get("\(run.api)/metrics")?.text ?? ""
            #expect(metrics.contains("egiz_records_total{"), "\(metrics)")

            // The first start makes an admin, and a secret that others cannot read.
            #expect(first.output.firstMatch(of: #/admin@localhost   [A-Za-z0-9]{20}/#) != nil, "\(first.output)")
            let secret = folder.appendingPathComponent("data/jwt-secret").path
            let rights = try FileManager.default.attributesOfItem(atPath: secret)[.posixPermissions] as? NSNumber
            #expect(rights?.int16Value == 0o600)

            let stopping = ContinuousClock.now
            #expect(first.stop(SIGINT) == 0, "\(first.output)")
            #expect(stopping.duration(to: .now) < .seconds(5), "\(first.output)")
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("data/run.json").path))

            let (second, again) = try start()
            #expect(HTTPClient.get("\(again.api)/api/v1/twins/by.hand:pump")?.status == 200)
            #expect(!second.output.contains("admin@localhost"), "shown once")
            let kept = try #require(revision(again.api, machine))
            #expect(kept > 5)
            #expect(eventually(within: 30) { revision(again.api, machine) ?? 0 > kept + 5 }, "\(second.output)")
            // The simulator went on from the twin's revision: a restart is neither a gap nor a stale event.
            let topologies = HTTPClient.get("\(again.api)/api/v1/topologies")?.text ?? ""
            #expect(topologies.contains("\"gaps\""), "\(topologies)")
            #expect(!topologies.contains(#/"(gaps|stale|duplicate|deadLetters)":\s*[1-9]/#), "\(topologies)")
            #expect(second.stop(SIGINT) == 0, "\(second.output)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func aPortInUseIsToldWithTheSettingThatChangesIt() async throws {
        try await blocking {
            defer { try? FileManager.default.removeItem(at: folder) }
            let (first, run) = try start()
            let port = try #require(URLComponents(string: run.api)?.port)
            let second = try Program(
                "egiz", ["up", "--topologies", Self.topologies.path],
                environment: [
                    "EGIZ_DATA_DIR": folder.appendingPathComponent("other").path,
                    "EGIZ_HTTP_ADDRESS": "127.0.0.1:\(port)",
                ])
            #expect(second.wait() != 0)
            #expect(
                second.output.contains("\(port)") && second.output.contains("EGIZ_HTTP_ADDRESS"), "\(second.output)")
            let third = try Program(
                "egiz", ["up", "--topologies", Self.topologies.path],
                environment: ["EGIZ_DATA_DIR": folder.appendingPathComponent("data").path])
            #expect(third.wait() != 0)
            #expect(third.output.contains("another `egiz up` runs"), "\(third.output)")
            first.stop(SIGINT)
        }
    }
}
