import EgizCore
import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTwin
import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import Testing

@testable import EgizHTTP

/// Every Ditto case through the step, the commit and the query API, on a real Postgres: what REST answers is what the case expects,
/// and the newest sample of each leaf is the leaf.
@Suite(.serialized)
struct DittoCasesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("EgizTwinTests/Cases")

    @Test(.timeLimit(.minutes(5)))
    func restAndHistoryAgreeWithEveryCase() async throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
        try #require(files.count >= 190)
        let name = "cases_\(UUID().uuidString.lowercased().prefix(8))"
        let url = try TestDatabase.create(name)
        defer { TestDatabase.drop(name) }
        let pool = PostgresPool(url: url, applicationName: "egiz-test-api", size: 1)
        let server = APIServer(
            configuration: APIConfiguration(port: 0), pool: pool, lag: nil, logger: Logger(label: "test"))
        let app = server.application()
        try await app.test(.router) { client in
            let connection = try PostgresConnection(url: url, applicationName: "egiz-test")
            let worker = WorkerIdentity(id: UUID().uuidString, host: "test", processID: 1)
            let factory = PostgresStoreFactory(url: url)
            let store = try factory.openTaskStore(worker: worker)
            let writer = try factory.openEpochWriter(worker: worker)
            defer {
                store.close()
                writer.close()
            }
            for (index, file) in files.enumerated() {
                let run = try CaseRun(file: file)
                try run.fold(stage: index, store: store, writer: writer)
                let id = run.thing.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                let answer = try await client.executeRequest(
                    uri: "/api/v1/twins/\(id)", method: .get, headers: [:], body: nil)
                if let expected = run.expected {
                    #expect(answer.status == .ok, "\(run.name): \(String(buffer: answer.body))")
                    let body = String(buffer: answer.body)
                    #expect(try JSONParser().parseText(body) == expected, "\(run.name): \(body)")
                } else {
                    #expect(answer.status == .notFound, "\(run.name)")
                }
                let letters = try connection.query("select \"offset\", code from egiz.dead_letter order by 1")
                #expect(letters.count == run.deadLetters.count, "\(run.name)")
                for row in 0..<min(letters.count, run.deadLetters.count) {
                    #expect(letters.int64(row, 0) == run.deadLetters[row].offset, "\(run.name)")
                    #expect(letters.string(row, 1) == run.deadLetters[row].code, "\(run.name)")
                }
                if run.timesAscend { try run.checkHistory(connection) }
                try connection.execute(
                    "truncate egiz.twin, egiz.series, egiz.history_segment, egiz.history_block, egiz.history_packed, egiz.dead_letter, egiz.task_offset, egiz.task, egiz.stage cascade"
                )
            }
        }
    }
}

/// One case file and its run through the real step and store.
private final class CaseRun {
    let name: String
    let thing: String
    let expected: JSONValue?
    let events: [[UInt8]?]
    var deadLetters: [(offset: Int64, code: String)] = []
    private(set) var timesAscend = true

    init(file: URL) throws {
        let data = try Data(contentsOf: file)
        let root = try data.withUnsafeBytes { try JSONParser().parse($0) }
        let object = try #require(root.objectValue)
        name = try #require(object["name"]?.stringValue)
        thing = try #require(object["thingId"]?.stringValue)
        if let value = object["expected"], value != .null { expected = value } else { expected = nil }
        guard case .array(let items)? = object["events"] else { throw EngineError(.config, .stop, "no events") }
        events = items.map { item in
            switch item {
            case .null: nil
            case .string(let text): Array(text.utf8)
            default: Array(item.text.utf8)
            }
        }
        if case .array(let offsets)? = object["deadLetters"] {
            let reasons = object["reasons"]?.objectValue
            for case .int(let offset) in offsets {
                deadLetters.append((offset, reasons?["\(offset)"]?.stringValue ?? "?"))
            }
        }
    }

    func fold(stage number: Int, store: any TaskStore, writer: any EpochWriter) throws {
        let mark = SourceMark(line: 1, column: 1)
        let source = SourceDefinition(
            name: "events", topics: [.init(name: "cases", partitions: 1, config: [:], mark: mark)], format: .ditto,
            start: .earliest, onGap: .fail, idle: .seconds(5), mark: mark)
        let everything = ConfigValue(.list([ConfigValue(.string("/**"), at: mark)]), at: mark)
        let stage = StageDefinition(
            name: StageName(topology: "case-\(number)", source: "events"), source: source,
            processors: [
                .init(name: "twins", kind: "twin-projector", from: "events", settings: [:], mark: mark),
                .init(
                    name: "history", kind: "history-writer", from: "twins",
                    settings: [
                        "include": everything, "exclude": ConfigValue(.list([]), at: mark),
                        "onlyChanges": ConfigValue(.bool(false), at: mark),
                    ], mark: mark),
            ])
        let task = TaskID(stage: stage.name, partition: 0)
        let lease = try #require(try store.acquire([task], partitions: 1, topologyVersion: 1).first)
        let step = try PartitionStep(
            task: task, stage: stage, registry: .builtin, tables: StreamTables())
        var letters: [DeadLetter] = []
        var epoch = lease.epoch
        var last: Int64 = -1
        for (offset, value) in events.enumerated() {
            let bytes = value ?? []
            try bytes.withUnsafeBytes { buffer in
                let record = RawRecord(
                    topic: 0, partition: 0, offset: Int64(offset),
                    timestamp: EventTime(microseconds: 1_800_000_000_000_000 + Int64(offset) * 1_000_000), key: nil,
                    value: value == nil ? nil : UnsafeRawBufferPointer(buffer))
                var verdict = try step.process(record)
                if case .needs(let id) = verdict {
                    try step.install(try store.loadTwins([id]), asked: [id])
                    verdict = try step.process(record)
                }
                if case .refused(let refusal) = verdict {
                    letters.append(
                        DeadLetter(
                            stage: stage.name, topicName: "cases", record: record, headers: [], code: refusal.code,
                            message: refusal.message, thing: refusal.thing, processor: refusal.processor))
                }
                if case .done = verdict { note(bytes, &last) }
            }
            // Epochs of two records: some changes of one twin meet in one epoch, others do not.
            guard offset % 2 == 1 || offset == events.count - 1 else { continue }
            epoch += 1
            let output = step.closeEpoch(epoch)
            let advance = TaskAdvance(
                task: task, ownerEpoch: lease.ownerEpoch, epoch: epoch,
                offsets: [.init(topic: "cases", next: NextOffset(after: Int64(offset)), mark: nil)],
                streamTime: step.streamTime, counters: step.counters)
            let outcome = try writer.commit(
                EpochWrite(tasks: [advance], columns: output.columns, twins: output.twins, deadLetters: letters))
            guard case .committed = outcome else { throw EngineError(.bug, .stop, "\(name): \(outcome)") }
            step.committed(epoch, output: output, cacheBytes: 0)
            letters = []
        }
    }

    private func note(_ bytes: [UInt8], _ last: inout Int64) {
        guard let value = try? bytes.withUnsafeBytes({ try JSONParser().parse($0) }),
            let text = value.objectValue?["timestamp"]?.stringValue, let time = try? Timestamp(parsing: text)
        else {
            timesAscend = timesAscend && bytes.isEmpty
            return
        }
        if time.eventTime.microseconds <= last { timesAscend = false }
        last = time.eventTime.microseconds
    }

    /// The newest sample of every series is the leaf of the document, or absent where there is none.
    func checkHistory(_ connection: PostgresConnection) throws {
        // Keyed by bytes: Swift's String would let canonically equivalent paths collide, which is what one case is about.
        var leaves: [[UInt8]: JSONValue] = [:]
        for key in ["policyId", "definition", "attributes", "features"] {
            if let value = expected?.objectValue?[key] { Self.collect(value, [key], into: &leaves) }
        }
        let rows = try connection.query(
            """
            select distinct on (path) path, kind, number, text, "boolean"::text, json::text from egiz.history
            order by path, time desc
            """)
        var seen: Set<[UInt8]> = []
        for row in 0..<rows.count {
            let path = Array(rows.string(row, 0).utf8)
            let value: JSONValue?
            switch rows.string(row, 1) {
            case "number":
                value = rows[row].text(3).flatMap(Int64.init).map(JSONValue.int) ?? .double(rows[row].double(2) ?? .nan)
            case "text": value = .string(rows.string(row, 3))
            case "boolean": value = .bool(rows.string(row, 4) == "true")
            case "json": value = try JSONParser().parseText(rows.string(row, 5))
            case "null": value = .null
            default: value = nil
            }
            #expect(value == leaves[path], "\(name) \(rows.string(row, 0))")
            seen.insert(path)
        }
        #expect(Set(leaves.keys).isSubset(of: seen), "\(name): \(Set(leaves.keys).subtracting(seen))")
    }

    private static func collect(_ value: JSONValue, _ path: [String], into leaves: inout [[UInt8]: JSONValue]) {
        if case .object(let object) = value {
            for (key, child) in object { collect(child, path + [key], into: &leaves) }
        } else {
            leaves[Array(JSONPointer(segments: path).text.utf8)] = value
        }
    }
}

extension JSONParser {
    fileprivate func parseText(_ text: String) throws -> JSONValue {
        var text = text
        return try text.withUTF8 { try parse(UnsafeRawBufferPointer($0)) }
    }
}

extension JSONValue {
    fileprivate var objectValue: JSONObject? { if case .object(let object) = self { object } else { nil } }
    fileprivate var stringValue: String? { if case .string(let text) = self { text } else { nil } }
}
