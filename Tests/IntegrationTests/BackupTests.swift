import EgizPostgres
import EgizTesting
import Foundation
import Testing

/// The database is restored from a backup and stands before what Kafka has (rule 9): docs/operating.md, "Backup and restore".
@Suite(.serialized)
struct BackupTests {
    /// The newest of the installed ones: it dumps every older server.
    private static let pgDump: String? = {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let versions = folders.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map {
            "/usr/lib/postgresql/\($0)/bin/pg_dump"
        }
        return (versions + ["/usr/bin/pg_dump", "/usr/local/bin/pg_dump"]).first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }()

    private func writeTopology(_ world: TestWorld, onGap: String) throws -> URL {
        let file = world.folder.appendingPathComponent("line.yaml")
        try """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line-\(world.suffix) }
        spec:
          commit: { interval: 20ms }
          sources:
            events:
              topics: [{ name: \(world.topic("ditto.twin.events.v1")), partitions: 4 }]
              format: ditto
              onGap: \(onGap)
              idle: 24h
          processors:
            twins: { kind: twin-projector, from: events }
            history: { kind: history-writer, from: twins, include: ["/**"] }
            seconds: { kind: rollup, from: twins, include: ["/**"], interval: 2s, to: \(world.topic("rollups")) }
        """.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    /// Everything that is a fold of the log, as one text for each table.
    private func contents(_ connection: PostgresConnection) throws -> [String] {
        try [
            "select thing_id, revision, event_timestamp, document::text from egiz.twin",
            "select thing_id, path, time, kind, number, text, \"boolean\", json::text from egiz.history",
            """
            select thing_id, path, processor, bucket_start, n, minimum, maximum, total, first, last, final from egiz.rollup
            """,
        ].map { sql in
            let rows = try connection.query(
                "select count(*), coalesce(md5(string_agg(line::text, '' order by line::text)), '') from (\(sql)) line")
            return "\(rows.int64(0, 0)) rows \(rows.string(0, 1))"
        }
    }

    private func run(_ tool: String, _ arguments: [String]) throws {
        let program = try Program(tool, arguments)
        try #require(program.wait() == 0, "\(program.output)")
    }

    @Test(.timeLimit(.minutes(5)), .enabled(if: pgDump != nil, "there is no pg_dump"))
    func aRestoredDatabaseStopsTheStageUntilItMayGoOnFromItsOwnOffsets() async throws {
        try await blocking {
            let pgDump = try #require(Self.pgDump)
            let world = try TestWorld(topics: [("ditto.twin.events.v1", 4), ("rollups", 4)])
            let topic = world.topic("ditto.twin.events.v1")
            let file = try writeTopology(world, onGap: "fail")
            var connection = try world.connect()
            func processed() throws -> Int64 {
                try connection.query("select coalesce(sum(next_offset), 0)::bigint from egiz.task_offset").int64(0, 0)
            }
            // A backup in the middle of the work, of a running worker.
            let worker = try world.startWorker(file)
            let simulator = try Program(
                "zonesun-simulator",
                [
                    "--brokers", world.brokers, "--format", "ditto", "--machines", "20", "--events", "10000", "--rate",
                    "1000", "--seed", "19", "--topic-ditto", topic,
                ])
            let moving = try eventually(within: 60) { try processed() > 3000 }
            #expect(moving, "\(worker.output)")
            let dump = world.folder.appendingPathComponent("egiz.dump").path
            try run(pgDump, ["--format=custom", "--schema=egiz", "--file=\(dump)", world.database])
            #expect(simulator.wait() == 0, "\(simulator.output)")
            let fold = try LogFold(world: world, topic: topic)
            let isDone = try eventually(within: 60) { try processed() >= Int64(fold.records) }
            #expect(isDone, "\(worker.output)")
            let isEmitted = try eventually(within: 30) { try connection.query("select 1 from egiz.outbox").isEmpty }
            #expect(isEmitted, "\(worker.output)")
            #expect(worker.stop() == 0, "\(worker.output)")
            let whole = try contents(connection)
            #expect(!whole.contains { $0.hasPrefix("0 rows") }, "\(whole)")

            // The disaster, and the restore.
            try connection.execute("drop schema egiz cascade")
            try run(
                pgDump.replacingOccurrences(of: "pg_dump", with: "pg_restore"),
                ["--exit-on-error", "--single-transaction", "--no-owner", "--dbname=\(world.database)", dump])
            connection = try world.connect()
            let restored = try processed()
            #expect(restored < Int64(fold.records), "the backup is of the end already")

            let stopped = try world.startWorker(file)
            let hasEnded = eventually(within: 60) { !stopped.isRunning }
            #expect(hasEnded, "it goes on as if nothing had happened\n\(stopped.output)")
            if !hasEnded { stopped.stop() }
            #expect(stopped.wait() != 0)
            #expect(stopped.output.contains("it went back in time"), "\(stopped.output)")
            #expect(try processed() == restored, "it has processed something")

            let again = try world.startWorker(try writeTopology(world, onGap: "report"))
            let isCaughtUp = try eventually(within: 60) { try processed() >= Int64(fold.records) }
            #expect(isCaughtUp, "\(again.output)")
            #expect(again.stop() == 0, "\(again.output)")
            #expect(try contents(connection) == whole)
            let stored = try StoredState(connection)
            let differences = stored.differences(from: fold)
            #expect(differences.isEmpty, "\(differences.prefix(10).joined(separator: "\n"))")
            #expect(stored.deadLetters == 0)
            let gaps = try connection.query(
                "select count(*), count(distinct reason), min(reason) from egiz.log_gap where from_offset = to_offset")
            #expect(gaps.int64(0, 0) > 0 && gaps.int64(0, 1) == 1 && gaps.string(0, 2) == "evidence")
        }
    }
}
