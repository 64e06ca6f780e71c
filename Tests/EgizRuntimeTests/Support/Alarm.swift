import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin

/// Sets a timer ten seconds after each event (or a tenth of one, for a property `soon`), and emits its due time, in milliseconds after 2023-11-14, when it fires.
final class Alarm: StatefulProcessor {
    /// Counts the events of the thing.
    final class Count: ProcessorState {
        static let version: UInt8 = 1
        var events: Int64 = 0

        init() {}

        init(from reader: inout StateReader, version: UInt8) throws(StateFault) { events = try reader.int64() }

        func encode(into writer: inout StateWriter) { writer.write(events) }

        func copy() -> Count {
            let copy = Count()
            copy.events = events
            return copy
        }

        var isEmpty: Bool { events == 0 }
    }

    typealias State = Count

    static let spec = KindSpec(
        kind: "alarm", summary: "", input: .changes, output: .none, projections: [], fields: [], example: "")
    static let delay: Int64 = 10_000

    init(_ definition: ProcessorDefinition) throws(TopologyFaults) {}

    func process(_ change: borrowing TwinChange, state: Count, into effects: inout RecordEffects) throws(RecordFault) {
        state.events += 1
        let paths = change.paths
        let isSoon = change.leaves.contains { paths.text(of: $0.path).hasSuffix("soon") }
        effects.setTimer(at: change.time.advanced(byMicroseconds: isSoon ? 100_000 : Self.delay * 1000))
    }

    func tick(_ tick: TimerTick, state: Count, into effects: inout RecordEffects) {
        state.events += 1
        let text = "\(tick.due.microseconds / 1000 - 1_700_000_000_000)"
        // The record is far smaller than what Kafka takes.
        try? effects.emit(to: "out", key: Array("all".utf8), value: Array(text.utf8))
    }
}

extension ProcessorRegistry {
    static let withAlarm = ProcessorRegistry(ProcessorRegistry.builtin.entries + [.init(Alarm.self)])
}

extension Topology {
    static func alarming(_ commit: CommitPolicy, idle: Duration = .seconds(3600)) -> Topology {
        Topology.testing(
            idle: idle, commit: commit,
            further: [
                ProcessorDefinition(
                    name: "alarm", kind: "alarm", from: "twins", settings: [:], mark: SourceMark(line: 1, column: 1))
            ])
    }
}
