import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import TestSupport
import Testing

/// Rule 5 for what is no record: what people asked and what other rules did in the epoch before a record is refused, stays done.
@Suite struct ReplayTests {
    private let thing: ThingID
    private let step: PartitionStep

    init() throws {
        thing = try ThingID(validating: "t:a")
        let mark = SourceMark(line: 1, column: 1)
        var topology = Topology.refusing()
        topology.processors.insert(
            ProcessorDefinition(
                name: "alerts", kind: "alert-rule", from: "twins",
                settings: [
                    "rules": try Self.value(#"[{"name":"high","when":"features.f.x > 100","message":"m"}]"#)
                ], mark: mark), at: 1)
        let stage = topology.stages[0]
        step = try PartitionStep(
            task: TaskID(stage: stage.name, partition: 0), stage: stage, registry: .withRefuser, tables: StreamTables())
        step.install(.empty, stored: nil)
    }

    private static func value(_ json: String) throws -> ConfigValue {
        ConfigValue(json: try JSONParser().parse(Array(json.utf8)), at: SourceMark(line: 1, column: 1))
    }

    /// True where the record was taken.
    private func process(_ properties: String, at offset: Int64) throws -> Bool {
        let text = telemetry(thing.text, at: offset, properties)
        return try PlacedBytes.with(text.utf8, endsPage: false) { value in
            var key = thing.text
            return try key.withUTF8 { key in
                let record = RawRecord(
                    topic: 0, partition: 0, offset: offset, timestamp: time(offset),
                    key: UnsafeRawBufferPointer(key), value: value)
                while true {
                    switch try step.process(record) {
                    case .needs(let thing): try step.install([], asked: [thing])
                    case .needsTimers: step.installTimers([], isLast: true)
                    case .done: return true
                    case .refused, .queued, .full, .epochIsFull: return false
                    }
                }
            }
        }
    }

    private func close(_ number: Int64) -> [AlertRow] {
        let output = step.closeEpoch(number)
        let alerts = output.alerts
        step.committed(number, output: output, cacheBytes: .max)
        return alerts
    }

    @Test func whatAPersonAskedIsNotTakenBackWithARefusedRecord() throws {
        #expect(try process(#""x":200"#, at: 1))
        #expect(close(1).map(\.state) == [.raised])
        let message = InboxMessage(
            id: 1, task: step.task, processor: "alerts", thing: thing, action: "acknowledge", subject: "high",
            by: "maria")
        guard case .done = step.deliver(message) else {
            Issue.record("the thing is at hand")
            return
        }
        #expect(try !process(#""y":"refuse""#, at: 2))
        let alerts = close(2)
        #expect(alerts.map(\.state) == [.acknowledged] && alerts.first?.acknowledgedBy == "maria")
    }

    @Test func whatOtherRulesDidIsNotTakenBackWithARefusedRecord() throws {
        #expect(try process(#""x":50"#, at: 1))
        #expect(close(1).isEmpty)
        var registry = RuleRegistry(
            version: 1, parents: [:], bindings: [],
            alertRules: [
                .init(
                    type: "t:pump",
                    settings: try Self.value(#"{"name":"pump","when":"features.f.x > 10","message":"m"}"#))
            ])
        registry.setThingTypes([thing: "t:pump"])
        #expect(step.install(registry, stored: step.rules).isEmpty)
        guard case .done = step.review(thing) else {
            Issue.record("the thing is at hand")
            return
        }
        #expect(try !process(#""y":"refuse""#, at: 2))
        #expect(close(2).map(\.rule) == ["pump"])
        #expect(try process(#""x":5"#, at: 3))
        #expect(close(3).map(\.state) == [.cleared])
    }
}
