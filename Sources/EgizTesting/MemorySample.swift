public import EgizCore

/// One sample as a history reader sees it.
public struct MemorySample: Sendable, Equatable {
    /// Microseconds since 1970.
    public var time: Int64
    public var kind: SampleKind
    /// Numbers and booleans.
    public var number: Double?
    /// Texts, JSON and exact literals.
    public var text: String?

    public init(time: Int64, kind: SampleKind, number: Double?, text: String?) {
        self.time = time
        self.kind = kind
        self.number = number
        self.text = text
    }

    /// The samples of a sealed column.
    static func samples(of column: SeriesColumn) -> [MemorySample] {
        let (times, numbers) = (column.times, column.numbers)
        return times.indices.map { index in
            MemorySample(
                time: times[index], kind: column.kind, number: numbers.isEmpty ? nil : numbers[index],
                text: column.texts.isEmpty ? nil : column.texts[index])
        }
    }
}
