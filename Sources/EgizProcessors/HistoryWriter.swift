public import EgizCore
import EgizTwin

/// The kind `history-writer`: one sample for each leaf path an event wrote, one series a leaf path.
///
/// Numbers, booleans and strings keep their kind, arrays are kept as JSON, a path that ceases to exist becomes `absent`.
public final class HistoryWriter: StatelessProcessor {
    public static let spec = KindSpec(
        kind: "history-writer",
        summary: """
            Writes a sample of every leaf path that an event wrote or removed into history: numbers, booleans, strings, \
            arrays as JSON; one series for each thing and path.
            """,
        input: .changes,
        output: .none,
        projections: ["history"],
        fields: [
            .init(
                "include", .globs, default: #"["/attributes/**", "/features/**"]"#,
                "Paths that are recorded; `*` stands for one segment, `**` for any number of them."),
            .init("exclude", .globs, default: "[]", "Paths that are not recorded, although `include` names them."),
            .init(
                "onlyChanges", .bool, default: "false",
                "Record a sample only where the value differs from the one before."),
        ],
        example: """
            history: { kind: history-writer, from: twins, include: ["/features/*/properties/**"], onlyChanges: true }
            """)

    public static let mayRefuse = false

    private let recording: LeafRecording

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        let include = try reader.patterns("include")
        let exclude = try reader.patterns("exclude")
        recording = LeafRecording(onlyChanges: try reader.bool("onlyChanges")) { segments in
            include.contains { $0.matches(segments) } && !exclude.contains { $0.matches(segments) }
        }
    }

    public var leafRecording: LeafRecording? { recording }

    public func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        for leaf in change.leaves where !recording.onlyChanges || leaf.changed {
            if recording.records(leaf.path, in: change.paths) { effects.append(leaf.path, leaf.value) }
        }
    }
}
