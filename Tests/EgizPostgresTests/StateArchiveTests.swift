import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import TestSupport
import Testing

@testable import EgizPostgres

/// State that moves between databases in a file.
@Suite struct StateArchiveTests {
    let source: TestDatabase
    let target: TestDatabase
    let folder: URL
    let shape = StateShape(
        topology: "line",
        stages: [
            .init(
                name: Epochs.stage,
                processors: [.init(name: "twins", kind: "twin-projector"), .init(name: "rollup", kind: "rollup")])
        ])

    init() throws {
        source = try TestDatabase()
        target = try TestDatabase()
        folder = FileManager.default.temporaryDirectory.appending(path: "egiz-archive-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private var path: String { folder.appending(path: "line.egiz.lz4").path }

    private func cleaned<T>(_ body: () throws -> T) throws -> T {
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body()
    }

    private func state(_ id: String, _ bytes: [UInt8]) throws -> StateRow {
        StateRow(
            home: Epochs.task(), processor: "rollup", thing: try ThingID(validating: id), version: 5, bytes: bytes)
    }

    /// A stage with some of everything; released.
    private func fill(_ database: TestDatabase) throws {
        let store = database.store()
        let lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 4).first)
        try store.reposition(
            lease, to: ["twins": NextOffset(stored: 0)], log: LogIdentity(clusterID: "c", embeddedLog: nil), gaps: [])
        let epoch = Epochs.write([Epochs.advance(lease, 1, next: 42)])
        epoch.twins = [
            try Epochs.twin("a:b", document: #"{"n":1e2,"u":"\u0000"}"#), try Epochs.twin("a:c", document: nil),
        ]
        epoch.states = [try state("a:b", [1, 2]), try state("a:c", [UInt8](repeating: 7, count: 4000))]
        epoch.timers = [
            TimerChange(
                task: Epochs.task(),
                set: [
                    TaskTimer(
                        due: EventTime(microseconds: Epochs.start), processor: "rollup",
                        thing: try ThingID(validating: "a:b"))
                ], removed: [])
        ]
        var parked = Epochs.letter(offset: 5)
        parked.thing = try ThingID(validating: "a:b")
        parked.disposition = .parked
        epoch.deadLetters = [parked, Epochs.letter(offset: 6)]
        epoch.outboxes = [
            Outbox(
                task: Epochs.task(), epoch: 1,
                records: [OutputRecord(topic: "t", key: [1], value: nil, headers: [], id: "i", time: 1)])
        ]
        let time = EventTime(microseconds: Epochs.start)
        epoch.scenes = [
            SceneRow(
                home: Epochs.task(), processor: "scene", thing: try ThingID(validating: "a:b"), object: "Tank",
                target: "color", value: "\"#ff0000\"", revision: 3, time: time,
                cause: InputPosition(topic: "twins", partition: 0, offset: 7))
        ]
        epoch.alerts = [
            AlertRow(
                home: Epochs.task(), processor: "alerts", thing: try ThingID(validating: "a:b"), key: "heat",
                rule: "hot",
                severity: .error, state: .raised, message: "m", raisedAt: time, updatedAt: time, acknowledgedAt: nil,
                acknowledgedBy: nil, clearedAt: nil, revision: 3, cause: nil)
        ]
        epoch.predictions = [
            PredictionRow(
                home: Epochs.task(),
                key: .init(thing: try ThingID(validating: "a:b"), task: "t", model: "m", isShadow: true), version: nil,
                score: 0.1, label: "ok", details: #"{"n":"\u0000"}"#, error: nil, revision: 3, time: time,
                input: InputPosition(topic: "twins", partition: 0, offset: 7),
                output: InputPosition(topic: "ml.output.v1.t", partition: 0, offset: 1), latency: 2.5)
        ]
        let writer = database.writer()
        guard try writer.commit(epoch).isCommitted else { throw EngineError(.bug, .stop, "not committed") }
        writer.close()
        try store.release([lease])
        store.close()
    }

    private func rows(_ database: TestDatabase) throws -> [String] {
        let tables = [
            "(select thing_id, stage, partition, revision, document::text, event_timestamp, created, input_offset from egiz.twin)",
            "(select stage, processor, thing_id, partition, value from egiz.state)", "egiz.timer",
            "(select stage, partition, epoch, incarnation, stream_time, counters::text, topology_version, log_cluster_id from egiz.task where epoch > 0)",
            "(select stage, partition, topic, next_offset, mark_offset, mark_time, mark_crc from egiz.task_offset)",
            "(select stage, partition, epoch, incarnation, records, body from egiz.outbox)",
            "(select thing_id, \"offset\", value, headers::text, attempts from egiz.dead_letter where disposition = 'parked')",
            "(select thing_id, object_name, target, value::text, processor, cause_offset from egiz.scene)",
            "(select thing_id, alert_key, rule, severity, state, raised_at, processor from egiz.alert)",
            "(select stage, partition, thing_id, task, model, shadow, model_version, score, label, details::text, revision, event_time, input_topic, input_offset, output_topic, output_offset, latency_ms from egiz.ml_prediction)",
        ]
        return try tables.map { table in
            try database.connection.query(
                "select count(*) || coalesce(string_agg(t::text, ' ' order by t::text), '') from \(table) t"
            )
            .first?.text(0) ?? ""
        }
    }

    @Test func everythingArrivesAsItLeft() throws {
        try cleaned {
            try fill(source)
            var tables: [String] = []
            let report = try StateArchive(source.connection).export(shape, to: path) { tables.append($0.table) }
            #expect(report["twin"] == 2 && report["state"] == 2 && report["timer"] == 1 && report["dead_letter"] == 1)
            #expect(report["task"] == 1 && report["task_offset"] == 1 && report["outbox"] == 1)
            #expect(report["scene"] == 1 && report["alert"] == 1 && report["ml_prediction"] == 1)
            #expect(
                tables == [
                    "twin", "state", "timer", "scene", "alert", "ml_prediction", "dead_letter", "task", "task_offset",
                    "outbox",
                ])
            #expect(!FileManager.default.fileExists(atPath: path + ".partial"))

            let dry = try StateArchive(target.connection).restore(shape, from: path, replace: false, dryRun: true)
            #expect(dry["twin"] == 2)
            #expect(try target.count("stage") == 0)
            let imported = try StateArchive(target.connection).restore(shape, from: path, replace: false)
            #expect(imported.rows == report.rows && imported.time == report.time)
            #expect(try rows(target) == rows(source))
            // A worker of the target goes on where the file stands.
            let lease = try #require(target.store().acquire([Epochs.task()], partitions: 2, topologyVersion: 4).first)
            #expect(lease.epoch == 1 && lease.positions["twins"]?.next.raw == 42 && lease.hasPendingOutboxes)
            #expect(lease.parked.count == 1 && lease.previousOwner == nil)
        }
    }

    @Test func aFileOfTheVersionBeforeIsReadWithoutWhatItDidNotHold() throws {
        try cleaned {
            try fill(source)
            let report = try StateArchive(source.connection).export(shape, to: path, version: 1) { _ in }
            #expect(
                report["twin"] == 2 && report["scene"] == 1 && !report.rows.contains { $0.table == "ml_prediction" })
            _ = try StateArchive(target.connection).restore(shape, from: path, replace: false)
            #expect(try target.count("scene where processor is null") == 1)
            #expect(try target.count("ml_prediction") == 0)
            #expect(try target.count("twin") == 2)
        }
    }

    @Test func theFileIsPlainLZ4() throws {
        try cleaned {
            try fill(source)
            _ = try StateArchive(source.connection).export(shape, to: path)
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/lz4")
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/lz4") else { return }
            process.arguments = ["-tq", path]
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }

    // MARK: Refusals

    private func refusal(_ shape: StateShape, replace: Bool = false) throws -> EngineError? {
        #expect(throws: EngineError.self) {
            try StateArchive(target.connection).restore(shape, from: path, replace: replace)
        }
    }

    @Test func anotherShapeIsRefusedWithWhatDiffers() throws {
        try cleaned {
            try fill(source)
            _ = try StateArchive(source.connection).export(shape, to: path)
            var other = shape
            other.stages[0].processors[1].kind = "alert-rule"
            other.stages[0].processors.append(.init(name: "extra", kind: "rollup"))
            other.stages.append(.init(name: StageName(topology: "line", source: "more"), processors: []))
            let error = try refusal(other)
            #expect(error?.code == .topology && error?.retry == .stop)
            for words in ["rollup is a rollup, here it is a alert-rule", "no processor extra", "no stage line.more"] {
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            }
            var old = shape
            old.stages[0].processors[1].stateVersion = 4
            #expect(try refusal(old)?.message.contains("has version 5, this program reads up to 4") == true)
            _ = try target.store().acquire([Epochs.task()], partitions: 3, topologyVersion: 1)
            #expect(try refusal(shape)?.message.contains("has 2 partitions, here it has 3") == true)
            #expect(try target.count("twin") == 0)
        }
    }

    @Test func aRunningWorkerIsRefused() throws {
        try cleaned {
            try fill(source)
            _ = try StateArchive(source.connection).export(shape, to: path)
            let store = target.store()
            let lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 4).first)
            #expect(try refusal(shape, replace: true)?.message.contains("still runs 1 tasks") == true)
            try store.release([lease])
            store.close()
            _ = try StateArchive(target.connection).restore(shape, from: path, replace: false)
            // Whoever had the task cannot come back with what it remembers.
            let late = try target.writer().commit(Epochs.write([Epochs.advance(lease, 1)]))
            #expect(late.fenced == [Epochs.task()])
        }
    }

    @Test func existingRowsAreReplacedOnlyWhenAsked() throws {
        try cleaned {
            try fill(source)
            _ = try StateArchive(source.connection).export(shape, to: path)
            try fill(target)
            try target.connection.execute("update egiz.twin set revision = 99")
            #expect(try refusal(shape)?.message.contains("--replace") == true)
            _ = try StateArchive(target.connection).restore(shape, from: path, replace: true)
            #expect(try rows(target) == rows(source))
            #expect(try target.count("dead_letter where disposition = 'dead'") == 1)
        }
    }

    @Test func aThingOfAnotherTopologyIsNotTakenOver() throws {
        try cleaned {
            try fill(source)
            _ = try StateArchive(source.connection).export(shape, to: path)
            let other = Epochs.task(0, StageName(topology: "other", source: "x"))
            let lease = try #require(target.store().acquire([other], partitions: 1, topologyVersion: 1).first)
            _ = try target.writer().commit(
                Epochs.write([Epochs.advance(lease, 1)], [], [Epochs.twin("a:b", home: other)]))
            #expect(try refusal(shape, replace: true)?.detail == "23505")
            #expect(try target.count("twin") == 1)
        }
    }

    @Test func aDamagedFileChangesNothing() throws {
        try cleaned {
            try fill(source)
            _ = try StateArchive(source.connection).export(shape, to: path)
            let whole = try [UInt8](Data(contentsOf: URL(filePath: path)))
            var random = SeededGenerator(seed: 3)
            for round in 0..<120 {
                var broken = whole
                if round % 3 == 0 {
                    broken.removeLast(Int.random(in: 1...whole.count, using: &random))
                } else if round % 3 == 1 {
                    broken[Int.random(in: 0..<whole.count, using: &random)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                } else {
                    broken += (0..<Int.random(in: 1...9, using: &random)).map { _ in 0 }
                }
                try Data(broken).write(to: URL(filePath: path))
                let error = try refusal(shape)
                #expect(error?.retry == .stop, "round \(round): \(error.map(String.init(describing:)) ?? "none")")
            }
            for table in ["stage", "task", "twin", "state"] { #expect(try target.count(table) == 0) }
        }
    }

    @Test func aBrokenSnapshotIsNotExported() throws {
        try cleaned {
            try fill(source)
            try source.connection.execute("update egiz.state set value = set_byte(value, 12, 1) where thing_id = 'a:b'")
            let error = #expect(throws: EngineError.self) {
                try StateArchive(source.connection).export(shape, to: path)
            }
            #expect(error?.code == .state && error?.message.contains("a:b") == true)
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
        }
    }

    // MARK: Size

    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return Int(text.split(separator: " ")[1], radix: 10)! * 4096
    }

    /// 100,000 states that LZ4 cannot shrink: in memory together, with their rows, they would be some 60 MB.
    @Test func aHundredThousandStatesStream() throws {
        try cleaned {
            let store = source.store()
            let lease = try #require(store.acquire([Epochs.task()], partitions: 2, topologyVersion: 1).first)
            let writer = source.writer()
            var random = SeededGenerator(seed: 1)
            for batch in 0..<50 {
                let epoch = Epochs.write([Epochs.advance(lease, Int64(batch) + 1)])
                epoch.states = try (0..<2000).map { number in
                    var bytes: [UInt8] = []
                    for _ in 0..<12 { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
                    return try state("ns:t\(100_000 + batch * 2000 + number)", bytes)
                }
                #expect(try writer.commit(epoch).isCommitted)
            }
            let before = try residentBytes()
            let report = try StateArchive(source.connection).export(shape, to: path)
            #expect(report["state"] == 100_000 && report.bytes > 10_000_000)
            _ = try StateArchive(target.connection).restore(shape, from: path, replace: false)
            #expect(try residentBytes() - before < 16 << 20)
            let sum = "select md5(string_agg(md5(value), '' order by thing_id)) from egiz.state"
            #expect(
                try source.connection.query(sum).first?.text(0) == target.connection.query(sum).first?.text(0))
        }
    }
}
