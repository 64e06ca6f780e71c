import EgizPostgres
import EgizTesting
import Foundation
import Logging
import Testing

/// Kafka or Postgres away, at the start and in the middle: the worker waits, says so, goes on by itself, and nothing is lost.
@Suite(.serialized)
struct OutageTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "egiz-outage-\(UUID().uuidString.prefix(8))")

    private func processed(_ url: String) -> Int64 {
        guard let connection = try? PostgresConnection(url: url, applicationName: "egiz-test"),
            let rows = try? connection.query(
                "select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset")
        else { return 0 }
        return rows.int64(0, 0)
    }

    @Test(.timeLimit(.minutes(3)))
    func postgresAwayInTheMiddleOnlyDelays() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 4)])
            let postgres = try PrivatePostgres(dataDirectory: folder.appendingPathComponent("pg").path, durable: false)
            try postgres.start()
            defer {
                postgres.stop()
                try? FileManager.default.removeItem(atPath: postgres.directory)
                try? FileManager.default.removeItem(at: folder)
            }
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 4)
            let worker = try Program(
                "egiz", ["worker", "--topologies", file.path],
                environment: world.environment.merging(["EGIZ_DATABASE_URL": postgres.url]) { _, new in new })
            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", world.brokers, "--format", "ditto", "--machines", "20", "--events", "12000", "--rate",
                    "2000", "--seed", "5", "--topic-ditto", world.topic("ditto.twin.events.v1"),
                ])
            #expect(eventually(within: 60) { processed(postgres.url) > 1000 }, "\(worker.output)")
            postgres.stop()
            #expect(eventually(within: 30) { worker.output.contains("waits for Postgres") }, "\(worker.output)")
            #expect(simulator.wait() == 0, "\(simulator.output)")
            #expect(worker.isRunning, "\(worker.output)")
            try postgres.start()
            #expect(eventually(within: 60) { processed(postgres.url) >= 12_000 }, "\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
            let connection = try PostgresConnection(url: postgres.url, applicationName: "egiz-test")
            let fold = try LogFold(world: world, topic: world.topic("ditto.twin.events.v1"))
            let stored = try StoredState(connection)
            let differences = stored.differences(from: fold)
            #expect(differences.isEmpty, "\(differences.prefix(5).joined(separator: "\n"))")
            #expect(stored.deadLetters == 0)
        }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: !TestWorld.usesRealKafka, "freezes the broker of its own"))
    func aFrozenBrokerAndAWorkerStartedBeforeItsServersOnlyDelay() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 4)])
            defer { try? FileManager.default.removeItem(at: folder) }
            let topic = world.topic("ditto.twin.events.v1")
            let file = try world.writeTopology(topic: "ditto.twin.events.v1", partitions: 4)
            // A port that is free now and that the broker will take later.
            let probe = try Program("egiz", ["broker", "--topic", "probe:1", "--port", "0"])
            #expect(eventually(within: 10) { probe.output.contains("Kafka  ") })
            let port = try #require(
                probe.output.split(separator: "\n").first { $0.hasPrefix("Kafka") }?.split(separator: ":").last.flatMap
                {
                    UInt16($0.trimmingCharacters(in: .whitespaces))
                })
            probe.stop()
            let brokers = "127.0.0.1:\(port)"
            let worker = try Program(
                "egiz", ["worker", "--topologies", file.path],
                environment: world.environment.merging(["EGIZ_KAFKA_BROKERS": brokers]) { _, new in new })
            #expect(eventually(within: 60) { worker.output.contains("waiting for Kafka") }, "\(worker.output)")
            let broker = try Program("egiz", ["broker", "--topic", "\(topic):4", "--port", "\(port)"])
            #expect(eventually(within: 10) { broker.output.contains("Kafka  \(brokers)") }, "\(broker.output)")
            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", brokers, "--format", "ditto", "--machines", "10", "--events", "6000", "--rate", "2000",
                    "--seed", "9", "--topic-ditto", topic,
                ])
            #expect(eventually(within: 60) { processed(world.database) > 500 }, "\(worker.output)")
            broker.send(SIGSTOP)
            let frozen = processed(world.database)
            usleep(1_000_000)
            broker.send(SIGCONT)
            #expect(simulator.wait() == 0, "\(simulator.output)")
            #expect(
                eventually(within: 60) { processed(world.database) >= 6000 }, "frozen at \(frozen)\n\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
            let rows = try world.connect().query(
                "select sum((counters->>'applied')::bigint)::bigint, sum((counters->>'gaps')::bigint)::bigint from egiz.task"
            )
            #expect(rows.int64(0, 0) == 6000)
            #expect(rows.int64(0, 1) == 0)
            broker.stop()
        }
    }
}
