import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// `egiz worker` says how it is where `EGIZ_HEALTH_ADDRESS` lets it: from before its servers answer until it has drained.
@Suite(.serialized)
struct WorkerHealthTests {
    private let topic = "ditto.twin.events.v1"

    /// The port that the system chose, from the line that tells it.
    private func port(of worker: Program) -> Int? {
        guard
            let line = worker.output.split(separator: "\n").first(where: { $0.contains("health listener listening") }),
            let rest = line.components(separatedBy: "egiz.http.port=").last
        else { return nil }
        return Int(rest.prefix { $0.isNumber })
    }

    @Test(.timeLimit(.minutes(3)))
    func aWorkerThatWaitsSaysForWhatAndBecomesReady() async throws {
        try await blocking {
            let world = try TestWorld(topics: [(topic, 2)])
            let postgres = try PrivatePostgres(
                dataDirectory: world.folder.appendingPathComponent("pg").path, durable: false)
            try postgres.start()
            let database = postgres.url
            postgres.stop()
            defer {
                postgres.stop()
                try? FileManager.default.removeItem(atPath: postgres.directory)
            }
            let file = try world.writeTopology(topic: topic, partitions: 2)
            let worker = try Program(
                "egiz", ["worker", "--topologies", file.path],
                environment: world.environment.merging(
                    ["EGIZ_DATABASE_URL": database, "EGIZ_HEALTH_ADDRESS": "127.0.0.1:0"]
                ) { _, new in new })
            #expect(eventually(within: 30) { port(of: worker) != nil }, "\(worker.output)")
            let base = "http://127.0.0.1:\(port(of: worker) ?? 0)"
            func answer(_ path: String) -> HTTPClient.Answer? { HTTPClient.get(base + path) }

            // It waits for Postgres to begin.
            #expect(answer("/healthz")?.status == 200)
            #expect(
                eventually(within: 30) {
                    let ready = answer("/readyz")
                    return ready?.status == 503 && ready?.text.contains(#""name":"worker","state":"waiting""#) == true
                        && ready?.text.contains("Postgres: ") == true
                }, "\(answer("/readyz")?.text ?? "no answer")\n\(worker.output)")
            // It runs.
            try postgres.start()
            #expect(
                eventually(within: 60) { answer("/readyz")?.status == 200 },
                "\(answer("/readyz")?.text ?? "no answer")\n\(worker.output)")
            #expect(answer("/metrics")?.text.contains("egiz_stage_waiting") == true)
            #expect(answer("/api/v1/topologies")?.status == 404, "it serves no API")
            // A running stage waits.
            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", world.brokers, "--format", "ditto", "--machines", "5", "--events", "3000", "--rate",
                    "500", "--seed", "3", "--topic-ditto", world.topic(topic),
                ])
            postgres.stop()
            #expect(
                eventually(within: 60) {
                    let ready = answer("/readyz")
                    return ready?.status == 503 && ready?.text.contains("line-\(world.suffix).events#0") == true
                        && ready?.text.contains(#""state":"waiting""#) == true
                }, "\(answer("/readyz")?.text ?? "no answer")\n\(worker.output)")
            #expect(
                eventually(within: 30) {
                    answer("/metrics")?.text.split(separator: "\n").contains {
                        $0.hasPrefix("egiz_stage_waiting{") && $0.hasSuffix(" 1")
                    } == true
                }, "\(worker.output)")
            try postgres.start()
            #expect(eventually(within: 60) { answer("/readyz")?.status == 200 }, "\(worker.output)")
            simulator.stop()
            #expect(worker.stop() == 0, "\(worker.output)")
            #expect(answer("/healthz") == nil)
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("0.0.0.0:8081", "no authentication"), ("8081", "expected host:port"), ("example.org:1", "loopback"),
        ]
    )
    func whatItMustNotListenOnIsRefusedBeforeAnythingIsStarted(_ address: String, _ why: String) async throws {
        try await blocking {
            let world = try TestWorld(topics: [(topic, 1)])
            let file = try world.writeTopology(topic: topic, partitions: 1)
            let worker = try Program(
                "egiz", ["worker", "--topologies", file.path],
                environment: world.environment.merging(["EGIZ_HEALTH_ADDRESS": address]) { _, new in new })
            #expect(worker.wait() != 0)
            #expect(eventually(within: 5) { worker.output.contains("EGIZ_HEALTH_ADDRESS") }, "\(worker.output)")
            #expect(worker.output.contains(why), "\(worker.output)")
            #expect(!worker.output.contains("worker started"))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aWorkerThatWaitsToStartStopsWhenAskedTo() async throws {
        try await blocking {
            let world = try TestWorld(topics: [(topic, 1)])
            let file = try world.writeTopology(topic: topic, partitions: 1)
            let worker = try Program(
                "egiz", ["worker", "--topologies", file.path],
                environment: world.environment.merging(["EGIZ_DATABASE_URL": "postgres://egiz@127.0.0.1:1/egiz"]) {
                    _, new in new
                })
            #expect(eventually(within: 30) { worker.output.contains("waiting for Postgres") }, "\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
        }
    }
}
