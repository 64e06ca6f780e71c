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
                "Record a sample only where the value differs from the one before, and all values of a thing with its first event of each week (of each day, with a `retention` of up to 31 days)."
            ),
            .init(
                "retention", .duration,
                "How long samples are kept, in whole days such as 90d; without it for ever. What is older is dropped by the day or week."
            ),
        ],
        metrics: [
            .init("samples", "samples of history"),
            .init("longPaths", "values whose path is too long for history"),
        ],
        example: """
            history: { kind: history-writer, from: twins, include: ["/features/*/properties/**"], onlyChanges: true, retention: 90d }
            """)

    public static let mayRefuse = false

    private let include: [PathPattern]
    private let exclude: [PathPattern]
    /// 0 keeps for ever.
    let days: Int32
    let recording: LeafRecording

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        let include = try reader.patterns("include")
        let exclude = try reader.patterns("exclude")
        self.include = include
        self.exclude = exclude
        days = try Self.days(reader)
        recording = LeafRecording { segments in
            include.contains { $0.matches(segments) } && !exclude.contains { $0.matches(segments) }
        }
    }

    /// The processor of a definition: another one where it records only changes, which has to remember something.
    static func make(_ definition: ProcessorDefinition) throws(TopologyFaults) -> (any Processor)? {
        if try SettingsReader(definition).bool("onlyChanges") { return try ChangeWriter(definition) }
        return try HistoryWriter(definition)
    }

    /// How long the samples of a stage are kept; its definitions were checked before.
    public static func retention(of definitions: [ProcessorDefinition]) -> HistoryRetention {
        HistoryRetention(
            definitions.filter { $0.kind == spec.kind }.compactMap { try? HistoryWriter($0) }.map {
                HistoryRetention.Rule(include: $0.include, exclude: $0.exclude, days: $0.days)
            })
    }

    private static func days(_ reader: SettingsReader) throws(TopologyFaults) -> Int32 {
        guard let duration = try reader.duration("retention") else { return 0 }
        let (days, rest) = duration.quotientAndRemainder(dividingBy: 86_400_000_000)
        guard rest == 0, days > 0 else { throw reader.fault("retention", "whole days such as 90d") }
        return Int32(clamping: days)
    }

    public var leafRecording: LeafRecording? { recording }

    public func process(_ change: borrowing TwinChange, into effects: inout RecordEffects) throws(RecordFault) {
        for leaf in change.leaves where recording.records(leaf.path, in: change.paths) {
            effects.append(leaf.path, leaf.value)
        }
    }
}
