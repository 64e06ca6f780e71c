import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin

/// Refuses every change that sets a text `refuse`, after having asked for an effect.
final class Refuser: StatelessProcessor {
    static let spec = KindSpec(
        kind: "refuser", summary: "", input: .changes, output: .none, projections: [], fields: [], example: "")

    init(_ definition: ProcessorDefinition) throws(TopologyFaults) {}

    func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        for leaf in change.leaves where leaf.value == .text("refuse") {
            effects.append(leaf.path, .text("must not stay"))
            throw RecordFault(code: "refused", message: "the test refuses it")
        }
    }
}

extension ProcessorRegistry {
    static let withRefuser = ProcessorRegistry(ProcessorRegistry.builtin.entries + [.init(Refuser.self)])
}

extension Topology {
    /// Projector, history writer and, after it, a processor that may refuse the record.
    static func refusing(topics: [String] = ["events"], onError: DeadLetter.Disposition = .dead) -> Topology {
        var topology = Topology.testing(topics: topics)
        topology.processors.append(
            ProcessorDefinition(
                name: "refuser", kind: "refuser", from: "twins", settings: [:], onError: onError,
                mark: SourceMark(line: 1, column: 1)))
        return topology
    }

    /// Appends a rollup of all numbers into windows of `interval` milliseconds, without grace.
    func withRollup(every interval: Int64) -> Topology {
        let mark = SourceMark(line: 1, column: 1)
        func value(_ content: ConfigValue.Content) -> ConfigValue { ConfigValue(content, at: mark) }
        var topology = self
        topology.processors.insert(
            ProcessorDefinition(
                name: "windows", kind: "rollup", from: "twins",
                settings: [
                    "include": value(.list([value(.string("/features/**"))])), "exclude": value(.list([])),
                    "interval": value(.int(interval)), "grace": value(.int(0)),
                ], mark: mark), at: 1)
        return topology
    }
}

/// A telemetry record.
func telemetry(_ thing: String, at milliseconds: Int64, _ properties: String) -> String {
    #"{"thingId":"\#(thing)","timestamp":\#(milliseconds),"features":{"f":{\#(properties)}}}"#
}

func time(_ milliseconds: Int64) -> EventTime { EventTime(microseconds: milliseconds * 1000) }

let pathX = "/features/f/properties/x"
