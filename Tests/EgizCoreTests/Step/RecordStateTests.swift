import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Testing

/// Processors of records as they are, with a state: rule 5 holds for them as well.
@Suite struct RecordStateTests {
    private final class Count: ProcessorState {
        static let version: UInt8 = 1
        var number: Int64 = 0

        init() {}
        init(from reader: inout StateReader, version: UInt8) throws(StateFault) { number = try reader.int64() }
        func encode(into writer: inout StateWriter) { writer.write(number) }
        func copy() -> Count {
            let copy = Count()
            copy.number = number
            return copy
        }
        var isEmpty: Bool { number == 0 }
    }

    /// Counts records, also those that it then refuses, and emits how many there are.
    private final class Counting: StatefulProcessor, RecordProcessor {
        typealias State = Count

        static let spec = KindSpec(
            kind: "counting", summary: "", input: .records, output: .none, projections: [], fields: [], example: "")

        init(_ definition: ProcessorDefinition) throws(TopologyFaults) {}

        func subject(of position: InputPosition) -> ThingID? { try? ThingID(validating: "count:all") }

        func process(_ change: borrowing TwinChange, state: Count, into effects: inout RecordEffects)
            throws(RecordFault)
        {}

        func process(_ record: InputRecord, into effects: inout RecordEffects) throws(RecordFault) {
            try process(record, memory: nil, into: &effects)
        }

        func process(_ record: InputRecord, memory: (any ProcessorState)?, into effects: inout RecordEffects)
            throws(RecordFault)
        {
            guard let state = memory as? Count else { return }
            state.number += 1
            try effects.emit(to: "counts", value: Array("\(state.number)".utf8))
            if record.value.string == "refuse" { throw RecordFault(code: "refused", message: "the test refuses it") }
        }
    }

    private func driver(_ epochs: TopologyDriver.Epochs) -> TopologyDriver {
        let mark = SourceMark(line: 1, column: 1)
        let source = SourceDefinition(
            name: "source", topics: [.init(name: "in", partitions: 1, config: [:], mark: mark)], format: .json,
            start: .earliest, onGap: .fail, idle: .seconds(3600), mark: mark)
        let topology = Topology(
            name: "line", description: nil, delivery: .exactlyOnce, parallelism: 1, commit: .standard,
            sources: [source],
            processors: [
                ProcessorDefinition(name: "count", kind: "counting", from: "source", settings: [:], mark: mark)
            ],
            kafka: [:], sourceText: "")
        return TopologyDriver(
            topology: topology, registry: ProcessorRegistry([.init(records: Counting.self)]), epochs: epochs)
    }

    @Test(arguments: TopologyDriver.Epochs.allCases)
    func aRefusedRecordLeavesTheStateAsItWas(_ epochs: TopologyDriver.Epochs) throws {
        let line = driver(epochs)
        for word in ["refuse", "a", "refuse", "refuse", "b", "c", "refuse"] {
            try line.send("in", key: nil, value: "\"\(word)\"")
        }
        try line.commit()
        #expect(line.deadLetters.map(\.position.offset) == [0, 2, 3, 6])
        let counts = line.emitted.filter { $0.topic == "counts" }.map {
            $0.value.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(counts == ["1", "2", "3"])
        // What is stored is what the next owner goes on with.
        line.crash()
        try line.send("in", key: nil, value: "\"d\"")
        try line.commit()
        #expect(line.emitted.last { $0.topic == "counts" }?.value == Array("4".utf8))
    }
}
