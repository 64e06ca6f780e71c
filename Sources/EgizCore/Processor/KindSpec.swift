/// What a processor kind is called, what it reads and writes, and its YAML words. Everything that speaks of a kind derives
/// from this: checking a file, `egiz kinds`, `egiz topology explain`, the JSON Schema, the documentation.
public struct KindSpec: Sendable {
    public typealias Field = KindField

    /// What flows along an edge of the graph.
    public enum Stream: String, Sendable {
        /// Decoded records of a source.
        case events
        /// Records of a source of format `json` as they are: the kind is alone with its source.
        case records
        /// Changes of twins.
        case changes
        /// Nothing: the kind ends its branch.
        case none
    }

    /// A counter of a task that the kind moves.
    public struct Metric: Sendable, Equatable {
        /// As `StepCounters` names it.
        public var name: String
        public var summary: String

        public init(_ name: String, _ summary: String) {
            self.name = name
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
    public var fields: [KindField]
    public var metrics: [Metric]
    /// The file in `Schemas/` that describes the values of the records which it writes to the topic of a word, by the word (`alert.to`
    /// for one within another). Values that it only hands on have none.
    public var messages: [String: String]
    /// The topics that it writes where the word `to` is left out; nil: there are none.
    public var defaultTopics: (@Sendable (ProcessorDefinition, SourceDefinition) -> [String])?
    /// Faults that only show beside the other processors of the topology, given second; nil: there are none.
    public var checkPeers: (@Sendable (ProcessorDefinition, [ProcessorDefinition]) -> [TopologyFault])?
    /// Paths of things, as segments, to which answers about them come back because of this processor; nil: none do. What asks about
    /// things must not take what it is told for news (`Processor.noteAnswers`).
    public var writesBack: (@Sendable (ProcessorDefinition) -> [[String]])?
    /// A YAML example of the processor's entry.
    public var example: String

    public init(
        kind: String, summary: String, input: Stream, output: Stream, projections: [String], fields: [KindField],
        metrics: [Metric] = [], messages: [String: String] = [:], example: String,
        defaultTopics: (@Sendable (ProcessorDefinition, SourceDefinition) -> [String])? = nil,
        checkPeers: (@Sendable (ProcessorDefinition, [ProcessorDefinition]) -> [TopologyFault])? = nil,
        writesBack: (@Sendable (ProcessorDefinition) -> [[String]])? = nil
    ) {
        self.kind = kind
        self.summary = summary
        self.input = input
        self.output = output
        self.projections = projections
        self.fields = fields
        self.metrics = metrics
        self.messages = messages
        self.defaultTopics = defaultTopics
        self.checkPeers = checkPeers
        self.writesBack = writesBack
        self.example = example
    }
}
