import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin

/// Emits every number of a change to the topic `out`; refuses the texts that are named so; can be told to trap nothing else.
final class Relay: StatelessProcessor {
    static let spec = KindSpec(
        kind: "relay", summary: "", input: .changes, output: .none, projections: [], fields: [], example: "")

    init(_ definition: ProcessorDefinition) throws(TopologyFaults) {}

    func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        for leaf in change.leaves {
            switch leaf.value {
            case .number(let number): try effects.emit(to: "out", value: Array("\(number)".utf8))
            case .integer(let number): try effects.emit(to: "out", value: Array("\(number)".utf8))
            case .text("refuse"): throw RecordFault(code: "refused", message: "the test refuses it")
            default: continue
            }
        }
    }
}

extension ProcessorRegistry {
    static let withRelay = ProcessorRegistry(ProcessorRegistry.builtin.entries + [.init(Relay.self)])
}

extension Topology {
    static func relaying(
        onError: DeadLetter.Disposition = .parked, onGap: SourceDefinition.OnGap = .fail, park: ParkLimits = .standard
    ) -> Topology {
        var topology = Topology.testing(
            onGap: onGap,
            further: [
                ProcessorDefinition(
                    name: "relay", kind: "relay", from: "twins", settings: [:], onError: onError,
                    mark: SourceMark(line: 1, column: 1))
            ])
        topology.sources[0].park = park
        return topology
    }
}

extension MemoryLog {
    /// The values of a topic, key by key in the order of the log, all partitions.
    func outputs(_ topic: String = "out") -> [String: [String]] {
        var values: [String: [String]] = [:]
        for partition in 0..<Int32(partitionCount(of: topic)) {
            for record in records(of: TopicPartition(topic, partition)) {
                values[String(decoding: record.key ?? [], as: UTF8.self), default: []].append(
                    String(decoding: record.value ?? [], as: UTF8.self))
            }
        }
        return values
    }

    /// The `egiz-id`s of a topic.
    func ids(_ topic: String = "out") -> [String] {
        (0..<Int32(partitionCount(of: topic))).flatMap { partition in
            records(of: TopicPartition(topic, partition)).compactMap { record in
                record.headers.last { $0.name == "egiz-id" }?.value.map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }
}
