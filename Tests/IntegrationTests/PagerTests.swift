import EgizCore
import EgizKafka
import EgizPostgres
import EgizTesting
import Foundation
import Logging
import Testing

/// A webhook, as it is shipped, delivers to the pager of the example, which checks the signature with other code than ours.
@Suite(.serialized)
struct PagerTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func startPager(_ world: TestWorld, secret: String) throws -> (program: Program, url: String) {
        let address = world.folder.appendingPathComponent("pager-\(secret)")
        let pager = try Program(
            Self.root.appendingPathComponent("examples/zonesun-filling-machine/pager/pager.py").path,
            ["--port", "0", "--address-file", address.path, "--with-parent"],
            environment: ["EGIZ_PAGER_SECRET": secret])
        var url = ""
        let isUp = eventually(within: 20) {
            url =
                (try? String(contentsOf: address, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
                ?? ""
            return !url.isEmpty
        }
        try #require(isUp, "\(pager.output)")
        return (pager, url)
    }

    private func write(_ world: TestWorld, pager: String) throws -> URL {
        var text = try String(
            contentsOf: Self.root.appendingPathComponent("Topologies/filling-pager.yaml"), encoding: .utf8)
        for (own, other) in [
            ("name: filling-pager", "name: pager-\(world.suffix)"), ("http://127.0.0.1:8001", pager),
            ("framework.notifications.v1.alert", world.topic("alerts")), ("partitions: 2", "partitions: 1"),
            ("webhook.deliveries.v1", world.topic("deliveries")),
        ] {
            #expect(text.contains(own), "\(own)")
            text = text.replacingOccurrences(of: own, with: other)
        }
        let file = world.folder.appendingPathComponent("pager.yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    private func send(_ world: TestWorld, _ value: String) throws {
        let producer = try KafkaProducer(brokers: world.brokers, log: Logger(label: "test"))
        try producer.send(topic: world.topic("alerts"), key: Array("t:a".utf8), value: Array(value.utf8))
        #expect(producer.flush(timeout: .seconds(10)))
        producer.close(timeout: .seconds(1))
    }

    @Test(.timeLimit(.minutes(3)))
    func anAlertReachesThePagerSignedAndWhatAnotherSecretSignedIsADeadLetter() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("alerts", 1), ("deliveries", 1)])
            let (pager, url) = try startPager(world, secret: "right")
            defer { pager.stop() }
            let file = try write(world, pager: url)
            func worker(_ secret: String) throws -> Program {
                try Program(
                    "egiz", ["worker", "--topologies", file.path],
                    environment: world.environment.merging(["EGIZ_PAGER_SECRET": secret]) { _, new in new })
            }
            let first = try worker("right")
            try send(world, #"{"event":"raised","message":"zu heiß"}"#)
            #expect(
                eventually(within: 60) { HTTPClient.get(url)?.text.contains("zu heiß") == true },
                "\(first.output)\n\(pager.output)")
            let shown = HTTPClient.get(url)?.text ?? ""
            #expect(shown.contains(world.topic("alerts")) && shown.contains(#""times": 1"#), "\(shown)")
            #expect(first.stop() == 0, "\(first.output)")

            let second = try worker("wrong")
            defer { second.stop() }
            try send(world, #"{"event":"cleared"}"#)
            let connection = try world.connect()
            #expect(
                try eventually(within: 60) {
                    try connection.query("select code from egiz.dead_letter").first?.text(0) == "http-401"
                }, "\(second.output)")
            #expect(HTTPClient.get(url)?.text.contains("cleared") == false)
        }
    }
}
