import EgizCore
import EgizTwin

/// Which letters are tried again by themselves, and when.
struct LetterRetry {
    static let fields: [KindField] = [
        .init(
            "count", .int(1...1000), default: "3",
            "How often a letter is tried again; then it stays until a person does something."),
        .init(
            "first", .duration, default: "30s",
            "How long after the letter came the first try is made; each further waits twice as long."),
        .init("most", .duration, default: "1h", "The longest wait."),
        .init("only", .texts, "Only letters of these codes; `*` stands for any characters."),
        .init("never", .texts, "No letters of these codes."),
    ]

    private let count: Int
    private let first: Int64
    private let most: Int64
    private let only: [TextPattern]?
    private let never: [TextPattern]

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        count = try reader.integer("count") ?? 3
        first = try reader.duration("first") ?? 30_000_000
        most = try reader.duration("most") ?? 3_600_000_000
        guard first <= most else { throw reader.fault("first", "at most `most`") }
        only = try reader.has("only") ? reader.texts("only").map(TextPattern.init) : nil
        never = try reader.texts("never").map(TextPattern.init)
    }

    /// When a letter is tried again; nil: not by itself.
    func due(_ letter: ForeignLetter, arrived: EventTime) -> EventTime? {
        guard letter.attempts < count, only?.contains(where: { $0.matches(letter.code) }) ?? true,
            !never.contains(where: { $0.matches(letter.code) })
        else { return nil }
        var wait = first
        for _ in 0..<letter.attempts where wait < most { wait *= 2 }
        return arrived.advanced(byMicroseconds: min(wait, most))
    }
}
