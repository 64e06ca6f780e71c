public import EgizCore
import EgizTwin

/// The kind `filter`: the processors that read from it see only the events that it passes on.
///
/// It stands behind the fold: the twin has every event, with its revision, whatever is filtered. What it decides on is the thing
/// after the event, so it remembers nothing and decides alike when an event is repeated.
public final class Filter: StatelessProcessor {
    public static let spec = KindSpec(
        kind: "filter",
        summary: """
            Passes on the events for which `when` is true and which wrote one of `paths`; the processors that read from it \
            see no others. The twin itself is never filtered, and the end of a thing always passes.
            """,
        input: .changes,
        output: .changes,
        projections: [],
        fields: [
            .init(
                "when", .expression(allowsValue: false),
                "Passes an event where this is true of the thing after it. What is missing is not true; what fails is not either, and is counted."
            ),
            .init("paths", .globs, "Passes only events that wrote such a path."),
            .init(
                "onlyChanges", .bool, default: "false",
                "An event counts as writing a path of `paths` only where the value differs from the one before."),
        ],
        metrics: [
            .init("filtered", "events that were held back"),
            .init("ruleErrors", "values on which `when` failed; their events are held back"),
        ],
        example: """
            running: { kind: filter, from: twins, when: 'features.filler.status == "running"', paths: ["/features/filler/**"] }
            """)

    public static let mayRefuse = false

    private let condition: Expression?
    private var choice: PathChoice?
    private let onlyChanges: Bool
    public let passFingerprint: UInt64

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        condition = try reader.expression("when")
        choice = try reader.has("paths") ? PathChoice(include: reader.patterns("paths"), exclude: []) : nil
        onlyChanges = try reader.bool("onlyChanges")
        guard condition != nil || choice != nil else {
            throw reader.fault(at: reader.mark, "\(reader.path): a filter has neither `when` nor `paths`, it needs one")
        }
        if onlyChanges, choice == nil {
            throw reader.fault("onlyChanges", "`paths` beside it: it says which changes count")
        }
        // Things are reviewed by the condition alone, so only that makes other rules of those behind it.
        var hash = Fingerprint()
        hash.combine(condition?.source ?? "")
        passFingerprint = hash.value
    }

    public func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {}

    public func passes(_ change: borrowing TwinChange, into effects: inout RecordEffects) -> Bool {
        // Whoever has seen a thing must see its end.
        if change.twin?.isAlive == false { return true }
        if change.offset >= 0, !writesPath(change) { return false }
        guard let condition else { return true }
        let value = ThingView(change).evaluate(condition)
        switch value {
        case .boolean(let flag): return flag
        case .missing, .null: return false
        case .failed, .number, .text, .compound:
            effects.countRuleError()
            return false
        }
    }

    private func writesPath(_ change: borrowing TwinChange) -> Bool {
        guard choice != nil else { return true }
        for leaf in change.leaves where !onlyChanges || leaf.changed {
            if choice?.takes(leaf.path, in: change.paths) == true { return true }
        }
        return false
    }
}
