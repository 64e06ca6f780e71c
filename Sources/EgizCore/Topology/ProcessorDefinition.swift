/// A processor as the file describes it; `settings` were checked against the kind's fields and hold every default.
public struct ProcessorDefinition: Sendable {
    public var name: String
    public var kind: String
    /// The source or processor that feeds it.
    public var from: String
    /// Field name to value, defaults filled in; fields without a value or default are missing.
    public var settings: [String: ConfigValue]
    /// What becomes of a record that it refuses: `park` keeps the order of the thing (contract 6).
    public var onError: DeadLetter.Disposition
    public var mark: SourceMark

    public init(
        name: String, kind: String, from: String, settings: [String: ConfigValue],
        onError: DeadLetter.Disposition = .parked, mark: SourceMark
    ) {
        self.name = name
        self.kind = kind
        self.from = from
        self.settings = settings
        self.onError = onError
        self.mark = mark
    }
}
