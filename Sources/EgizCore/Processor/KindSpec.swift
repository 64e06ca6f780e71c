/// What a processor kind is called, what it reads and writes, and its YAML words. Everything that speaks of a kind derives
/// from this: checking a file, `egiz topology explain`, the JSON Schema, the documentation.
public struct KindSpec: Sendable {
    /// What flows along an edge of the graph.
    public enum Stream: String, Sendable {
        /// Decoded records of a source.
        case events
        /// Changes of twins.
        case changes
        /// Nothing: the kind ends its branch.
        case none
    }

    public struct Field: Sendable {
        public enum Kind: Sendable, Equatable {
            case string
            case bool
            case int(ClosedRange<Int64>)
            /// Written as `"10s"`, `"250ms"`, `"90d"`.
            case duration
            /// Written as `"64MiB"`.
            case size
            /// A list of path patterns: `*` one segment, `**` any number.
            case globs
            case choice([String])
            /// A Kafka topic that the kind writes.
            case topic
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

    public var kind: String
    public var summary: String
    public var input: Stream
    public var output: Stream
    /// The projections it writes: two processors of one topology must not write the same one. `{name}` stands for the
    /// processor's name, where each writes rows of its own.
    public var projections: [String]
    public var fields: [Field]
    /// A YAML example of the processor's entry.
    public var example: String

    public init(
        kind: String, summary: String, input: Stream, output: Stream, projections: [String], fields: [Field],
        example: String
    ) {
        self.kind = kind
        self.summary = summary
        self.input = input
        self.output = output
        self.projections = projections
        self.fields = fields
        self.example = example
    }
}
