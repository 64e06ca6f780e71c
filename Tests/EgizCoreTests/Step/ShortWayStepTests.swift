import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

@testable import EgizCore

/// A step that takes the short way for scalars must leave the epochs that one leaves that never takes it.
@Suite struct ShortWayStepTests {
    private static let mark = SourceMark(line: 1, column: 1)

    private func topology(_ format: RecordFormat, _ seed: Int) -> EgizCore.Topology {
        var further: [ProcessorDefinition] = []
        if seed % 3 == 1 {
            further.append(
                ProcessorDefinition(
                    name: "refuser", kind: "refuser", from: "twins", settings: [:],
                    onError: seed % 2 == 0 ? .parked : .dead, mark: Self.mark))
        }
        if seed % 4 == 2 {
            further.append(
                ProcessorDefinition(
                    name: "minutes", kind: "rollup", from: "twins",
                    settings: [
                        "interval": ConfigValue(.int(60_000), at: Self.mark),
                        "grace": ConfigValue(.int(1000), at: Self.mark),
                        "include": ConfigValue(.list([ConfigValue(.string("/**"), at: Self.mark)]), at: Self.mark),
                        "exclude": ConfigValue(.list([]), at: Self.mark),
                    ], mark: Self.mark))
        }
        if Self.hasRules(seed) {
            // Both read another path than the one that is written; rows and outputs name the record that caused them.
            let other = format == .telemetry ? "features.f.w" : "features.f.y"
            further.append(
                rules(
                    "binding-evaluator",
                    [
                        "bindings":
                            #"[{"objectName":"O","target":"text","path":"features.f.x","expression":"\#(other)"}]"#,
                        "types": "[]", "registry": "true", "to": #""bindings""#,
                    ]))
            further.append(
                rules(
                    "alert-rule",
                    [
                        "rules":
                            #"[{"name":"hot","when":"features.f.x > 1 and \#(other) != 2","for":2000,"message":"{features.f.x} {\#(other)}"}]"#,
                        "to": #""alerts""#,
                    ]))
        }
        return .testing(
            format: format, exclude: ["/features/g/**"], onlyChanges: seed % 5 == 0, further: further)
    }

    private static func hasRules(_ seed: Int) -> Bool { seed % 4 == 3 || seed % 8 == 0 }

    /// - Parameter settings: JSON by word.
    private func rules(_ kind: String, _ settings: KeyValuePairs<String, String>) -> ProcessorDefinition {
        var values: [String: ConfigValue] = [:]
        for (word, json) in settings {
            let object = try? JSONParser().parse(Array(#"{"value":\#(json)}"#.utf8)).object
            values[word] = object?["value"].map { ConfigValue(json: $0, at: Self.mark) }
        }
        return ProcessorDefinition(name: kind, kind: kind, from: "twins", settings: values, mark: Self.mark)
    }

    /// What a store would hold.
    private final class Rows {
        var twins: [ThingID: TwinRow] = [:]
        var states: [ThingID: [String: StateRow]] = [:]

        func keep(_ output: StepOutput) {
            for row in output.twins { twins[row.snapshot.thing] = row }
            for row in output.states {
                states[row.thing, default: [:]][row.processor] = row.bytes == nil ? nil : row
            }
        }
    }

    private func step(_ topology: EgizCore.Topology, short: Bool, partition: Int32 = 0) throws -> PartitionStep {
        let stage = topology.stages[0]
        let step = try PartitionStep(
            task: TaskID(stage: stage.name, partition: partition), stage: stage, registry: .withRefuser,
            tables: StreamTables())
        step.takesShortWay = short
        return step
    }

    private func process(
        _ step: PartitionStep, _ value: String, key: String?, at offset: Int64, _ rows: Rows = Rows()
    ) throws -> String {
        try PlacedBytes.with(value.utf8, endsPage: offset % 16 == 7) { bytes in
            var key = key
            func run(_ key: UnsafeRawBufferPointer?) throws -> String {
                // Behind all event times, so that stream time follows them and timers fire.
                let record = RawRecord(
                    topic: 0, partition: 0, offset: offset, timestamp: time(1_772_434_800_000 + offset), key: key,
                    value: bytes)
                while true {
                    switch try step.process(record) {
                    case .needs(let thing):
                        try step.install(
                            rows.twins[thing].map { [$0] } ?? [],
                            states: rows.states[thing].map { Array($0.values) } ?? [], asked: [thing])
                    case .needsTimers: step.installTimers([], isLast: true)
                    case .done: return "done"
                    case .refused(let refusal): return "refused \(refusal.code) \(refusal.message)"
                    case .queued(let refusal): return "queued \(refusal.message)"
                    case .full(let reason): return "full \(reason)"
                    case .epochIsFull: return "epoch is full"
                    }
                }
            }
            guard key != nil else { return try run(nil) }
            return try key?.withUTF8 { try run(UnsafeRawBufferPointer($0)) } ?? ""
        }
    }

    private func text(_ output: StepOutput) -> [String] {
        var lines = output.twins.map {
            "\($0.snapshot.thing) \($0.snapshot.revision) \($0.snapshot.timestamp ?? "-") \(String(decoding: $0.snapshot.document ?? [], as: UTF8.self)) \($0.position)"
        }
        lines += output.columns.map { column in
            "\(column.series.thing) \(column.series.path) \(column.kind) \(column.times) \(column.numbers) \(column.texts)"
        }
        lines += output.rollups.map { "\($0)" }
        lines += output.scenes.map { "\($0)" }
        lines += output.alerts.map { "\($0)" }
        lines.append(output.outputs.map { "\($0)" }.joined(separator: "\n"))
        lines += output.states.map { "\($0.thing) \($0.bytes ?? [])" }
        lines.append("\(output.timers.map { "\($0)" } ?? "-")")
        return lines.sorted()
    }

    @Test(arguments: 1...24)
    func epochsAreTheSameWithAndWithoutTheShortWay(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        func pick<T>(_ elements: [T]) -> T { elements[Int.random(in: elements.indices, using: &random)] }
        let format: RecordFormat = seed % 2 == 0 ? .ditto : .telemetry
        let topology = topology(format, seed)
        let short = try step(topology, short: true)
        let long = try step(topology, short: false)
        let (shortRows, longRows) = (Rows(), Rows())
        // A thing of another task, which has sent its records to the wrong partition ever since.
        let foreign = try step(topology, short: false, partition: 7)
        _ = try process(
            foreign,
            format == .telemetry
                ? #"{"thingId":"t:foreign","features":{"f":{"x":1,"y":1,"w":0},"g":{"x":1,"y":1}}}"#
                : #"{"topic":"t/foreign/things/twin/events/created","path":"/","value":{"thingId":"t:foreign","features":{"f":{"properties":{"x":1,"y":1}},"g":{"properties":{"x":1,"y":1}}}},"revision":1}"#,
            key: "t:foreign", at: 0)
        let theirs = foreign.closeEpoch(1)
        #expect(theirs.twins.count == 1)
        shortRows.keep(theirs)
        longRows.keep(theirs)
        var revisions: [String: Int] = ["foreign": 1]
        var epoch: Int64 = 0
        var ruled = 0
        for offset in 0..<600 {
            let name = pick(Array(0..<30)) == 0 ? "foreign" : pick(["a", "b", "c"])
            let value = pick([
                "1.5", "2", "\(offset).25", "true", "\"on\"", "\"off\"", "null", "9007199254740993", "-0.5",
                "{\"z\":1}", "[1]",
                seed % 3 == 1 ? "\"refuse\"" : "7",
            ])
            let year = pick(Array(0..<60)) == 0 ? pick(["1900", "9999"]) : "2026"
            let stamp =
                "\(year)-03-02T06:\(10 + offset / 60 % 50):\(10 + (offset + pick([0, 0, 0, -9, 5])) % 40).\(pick(["5", "123"]))Z"
            let feature = pick(["f", "f", "f", "g"])
            let property = pick(["x", "y", String(repeating: "long", count: 300)])
            let record: String
            if format == .telemetry {
                record =
                    #"{"thingId":"t:\#(name)","timestamp":"\#(stamp)","features":{"\#(feature)":{"\#(property)":\#(value),"w":\#(offset)}}}"#
            } else {
                let revision = revisions[name].map { max(1, $0 + pick([1, 1, 1, 1, 2, 0, -1])) } ?? 1
                let creates = revisions[name] == nil || (name != "foreign" && pick(Array(0..<80)) == 0)
                revisions[name] = max(revision, revisions[name] ?? 1)
                let path = creates ? "/" : "/features/\(feature)/properties/\(property)"
                record =
                    #"{"topic":"t/\#(name)/things/twin/events/\#(creates ? "created" : pick(["modified", "merged"]))","path":"\#(path)","value":\#(creates ? #"{"thingId":"t:\#(name)","features":{}}"# : value),"revision":\#(revision),"timestamp":"\#(stamp)"}"#
            }
            let key = pick(["t:\(name)", "t:\(name)", "t:\(name)", "t:\(name)", "other", nil])
            let expected = try process(long, record, key: key, at: Int64(offset), longRows)
            #expect(try process(short, record, key: key, at: Int64(offset), shortRows) == expected, "\(record)")
            if name == "foreign" { #expect(expected != "done", "\(record)") }
            #expect(short.counters == long.counters, "\(record)")
            #expect(short.streamTime == long.streamTime)
            guard pick(Array(0..<50)) == 0 else { continue }
            epoch += 1
            let outputs = (short.closeEpoch(epoch), long.closeEpoch(epoch))
            #expect(text(outputs.0) == text(outputs.1))
            ruled += outputs.0.scenes.count + outputs.0.alerts.count
            shortRows.keep(outputs.0)
            longRows.keep(outputs.1)
            // Without a cache every thing of every epoch comes from its row again.
            let cache = seed % 3 == 2 ? 0 : 1 << 20
            short.committed(epoch, output: outputs.0, cacheBytes: cache)
            long.committed(epoch, output: outputs.1, cacheBytes: cache)
        }
        #expect(text(short.closeEpoch(epoch + 1)) == text(long.closeEpoch(epoch + 1)))
        #expect(!Self.hasRules(seed) || ruled > 0)
        // A parked thing closes the short way.
        // What comes from its row again finds its cells again first.
        #expect((seed % 3 == 1 || short.shortRecords > (seed % 3 == 2 ? 20 : 60)) && long.shortRecords == 0)
    }
}
