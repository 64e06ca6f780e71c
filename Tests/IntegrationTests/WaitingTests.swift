import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// An infrastructure that is away (contract 7): the stage waits, says so in `/readyz`, in the metrics and in one log line, and
/// goes on by itself; nothing becomes a dead letter, nothing is lost or doubled. `EGIZ_LONG=1` makes each outage a minute.
@Suite(.serialized)
struct WaitingTests {
    private static var isLong: Bool { ProcessInfo.processInfo.environment["EGIZ_LONG"] == "1" }
    /// How long an outage goes on after it was noticed, in seconds.
    private static var length: Double { isLong ? 60 : 2 }
    private static var events: Int { isLong ? 60_000 : 10_000 }

    /// What is taken away from a running stage, and how it must show.
    private struct Outage {
        var begin: () throws -> Void
        var end: () throws -> Void
        /// What `/readyz` says, one of the texts.
        var reasons: [String]
        var parts: Set<String>
        /// Log lines of which each may appear once, and one must.
        var lines: [String]
    }

    private let topic = "ditto.twin.events.v1"
    private let partitions: Int32 = 16

    private func endure(
        _ outage: Outage, in world: TestWorld, database: String, brokers: String? = nil
    ) throws {
        let brokers = brokers ?? world.brokers
        let file = try world.writeTopology(topic: topic, partitions: Int(partitions))
        let worker = try ServedWorker(
            file,
            environment: world.environment.merging(
                ["EGIZ_DATABASE_URL": database, "EGIZ_KAFKA_BROKERS": brokers]
            ) { _, new in new })
        #expect(eventually(within: 60) { worker.isReady }, "\(worker.output)")
        let simulator = try Program(
            "zonesun-simulator",
            [
                "--brokers", brokers, "--format", "ditto", "--machines", "40", "--events", "\(Self.events)", "--rate",
                "1000", "--seed", "11", "--topic-ditto", world.topic(topic),
            ])
        func processed() -> Int64 {
            guard let connection = try? PostgresConnection(url: database, applicationName: "egiz-test"),
                let rows = try? connection.query(
                    "select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset")
            else { return 0 }
            return rows.int64(0, 0)
        }
        #expect(eventually(within: 60) { processed() > 1000 }, "\(worker.output)")
        #expect(worker.waitingParts == [], "nothing waits before the outage")

        try outage.begin()
        let isSaid = eventually(within: 60) {
            worker.waitingReasons.contains { reason in outage.reasons.contains { reason.contains($0) } }
        }
        #expect(isSaid, "/readyz says \(worker.waitingReasons)\n\(worker.output)")
        #expect(
            eventually(within: 5) { worker.waitingParts?.isDisjoint(with: outage.parts) == false },
            "the metrics say \(String(describing: worker.waitingParts))")
        let recoversTooSoon = eventually(within: Self.length) { worker.isReady }
        #expect(!recoversTooSoon, "/readyz says that all is well while it is not")
        #expect(worker.program.isRunning, "\(worker.output)")
        try outage.end()

        #expect(eventually(within: 60) { worker.isReady }, "/readyz says \(worker.waitingReasons)\n\(worker.output)")
        #expect(worker.waitingParts == [])
        #expect(simulator.wait() == 0, "\(simulator.output)")
        let fold = try LogFold(world: world, topic: world.topic(topic), brokers: brokers)
        #expect(fold.records >= Self.events)
        #expect(eventually(within: 90) { processed() >= Int64(fold.records) }, "\(worker.output)")
        let said = outage.lines.map { worker.count(of: $0) }
        #expect(said.allSatisfy { $0 <= 1 } && said.contains(1), "\(said) lines\n\(worker.output)")
        #expect(worker.program.stop() == 0, "\(worker.output)")
        let stored = try StoredState(try PostgresConnection(url: database, applicationName: "egiz-test"))
        let differences = stored.differences(from: fold)
        #expect(differences.isEmpty, "\(differences.prefix(5).joined(separator: "\n"))")
        #expect(stored.deadLetters == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func postgresAwayIsSaidAndOutlasted() async throws {
        try await blocking {
            let world = try TestWorld(topics: [(topic, partitions)])
            let postgres = try PrivatePostgres(
                dataDirectory: world.folder.appendingPathComponent("pg").path, durable: false)
            try postgres.start()
            defer {
                postgres.stop()
                try? FileManager.default.removeItem(atPath: postgres.directory)
            }
            try endure(
                Outage(
                    begin: { postgres.stop() }, end: { try postgres.start() },
                    reasons: ["cannot connect", "refused", "lost the connection", "127.0.0.1"],
                    parts: ["commit", "store"], lines: ["commit waits for Postgres", "stage waits for Postgres"]),
                in: world, database: postgres.url)
        }
    }

    @Test(.timeLimit(.minutes(5)), .enabled(if: SmallDisk.canBeMade, "only root can make a small disk"))
    func aFullDiskInPostgresIsSaidAndOutlasted() async throws {
        try await blocking {
            let world = try TestWorld(topics: [(topic, partitions)])
            let disk = try SmallDisk(megabytes: 96)
            let postgres = try PrivatePostgres(
                dataDirectory: world.folder.appendingPathComponent("pg").path, durable: false)
            try postgres.start()
            defer {
                postgres.stop()
                try? FileManager.default.removeItem(atPath: postgres.directory)
            }
            let administrator = try PostgresConnection(url: postgres.url, applicationName: "egiz-test")
            try administrator.execute("create tablespace small location '\(disk.folder)'")
            try administrator.execute("create database small template template0 encoding 'UTF8' tablespace small")
            try endure(
                Outage(
                    begin: { disk.fill() }, end: { disk.makeRoom() }, reasons: ["No space left on device"],
                    parts: ["commit"], lines: ["commit waits for Postgres"]),
                in: world, database: postgres.url(database: "small"))
        }
    }

    @Test(.timeLimit(.minutes(5)), .enabled(if: !TestWorld.usesRealKafka, "freezes the broker of its own"))
    func kafkaAwayIsSaidAndOutlasted() async throws {
        try await blocking {
            let world = try TestWorld(topics: [])
            let broker = try Program(
                "egiz", ["broker", "--topic", "\(world.topic(topic)):\(partitions)", "--port", "0"])
            #expect(eventually(within: 10) { broker.output.contains("Kafka  ") }, "\(broker.output)")
            let line = try #require(broker.output.split(separator: "\n").first { $0.hasPrefix("Kafka") })
            let address = try #require(line.split(separator: " ").last.map(String.init))
            defer {
                broker.send(SIGCONT)
                broker.stop()
            }
            try endure(
                Outage(
                    begin: { broker.send(SIGSTOP) }, end: { broker.send(SIGCONT) },
                    reasons: ["no answer", "Kafka", "broker"], parts: ["group", "log"],
                    lines: ["waiting for partitions", "stage waits for Kafka"]),
                in: world, database: world.database, brokers: address)
        }
    }
}
