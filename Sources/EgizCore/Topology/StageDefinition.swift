/// A source with all processors fed by it: one consumer group, its own threads and its own lag.
public struct StageDefinition: Sendable {
    public var name: StageName
    public var source: SourceDefinition
    public var processors: [ProcessorDefinition]

    public init(name: StageName, source: SourceDefinition, processors: [ProcessorDefinition]) {
        self.name = name
        self.source = source
        self.processors = processors
    }
}
