import EgizCommandLine
import EgizCore
import EgizTwin

/// The kind `limit`: a record for every number above a limit.
final class Limit: StatelessProcessor {
    static let spec = KindSpec(
        kind: "limit", summary: "Tells of every number above a limit.", input: .changes, output: .none, projections: [],
        fields: [
            .init("above", .number, required: true, "The limit."),
            .init("to", .topic, required: true, "Whom it tells."),
        ],
        example: "limit: { kind: limit, from: twins, above: 80, to: too-high.v1 }")

    private let limit: Double
    private let topic: String

    init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        limit = try reader.number("above") ?? 0
        topic = try reader.required("to")
    }

    func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        for leaf in change.leaves {
            guard case .number(let number) = ExpressionValue(leaf.value), number > limit else { continue }
            let text = "\(change.thing) \(change.paths.text(of: leaf.path)) is \(number)"
            try effects.emit(to: topic, value: Array(JSONValue.string(text).text.utf8))
        }
    }
}

@main
enum MyEgiz {
    static func main() async { await EgizProgram.run(adding: [.init(Limit.self)]) }
}
