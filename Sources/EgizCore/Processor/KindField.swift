/// One YAML word of a processor kind; words may have words of their own.
public struct KindField: Sendable, Equatable {
    public indirect enum Kind: Sendable, Equatable {
        case string
        case bool
        case int(ClosedRange<Int64>)
        /// Any number.
        case number
        /// Written as `"10s"`, `"250ms"`, `"90d"`.
        case duration
        /// Written as `"64MiB"`.
        case size
        /// A list of path patterns: `*` one segment, `**` any number.
        case globs
        case choice([String])
        /// A list of texts.
        case texts
        /// A Kafka topic that the kind writes.
        case topic
        /// A path or a calculation; `value` stands for what it is about where that is allowed.
        case expression(allowsValue: Bool)
        /// A path into the thing, in dots or as a JSON pointer.
        case path
        /// A text with expressions in braces.
        case template(allowsValue: Bool)
        /// A text, a number, true, false, or a list of numbers.
        case value
        /// A list of exactly two values.
        case pair
        /// A map of texts to values.
        case values
        /// A map with words of its own.
        case map([KindField])
        /// A list of maps with words of their own. The noun names one of them: `a rule`.
        case list(noun: String, [KindField])
        /// A glTF or GLB file, from the folder of the topology file.
        case model
        /// The name of a node of the processor's model.
        case node
    }

    public var name: String
    public var kind: Kind
    public var required: Bool
    /// The default as it would be written in YAML; nil: none.
    public var defaultText: String?
    public var summary: String

    public init(_ name: String, _ kind: Kind, required: Bool = false, default: String? = nil, _ summary: String) {
        self.name = name
        self.kind = kind
        self.required = required
        self.defaultText = `default`
        self.summary = summary
    }
}
