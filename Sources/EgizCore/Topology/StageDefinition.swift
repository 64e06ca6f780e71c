/// A source with all processors fed by it: one consumer group, its own threads and its own lag.
public struct StageDefinition: Sendable {
    public var name: StageName
    public var source: SourceDefinition
    public var processors: [ProcessorDefinition]
    /// All processors of the topology, these too.
    public var peers: [ProcessorDefinition]

    public init(
        name: StageName, source: SourceDefinition, processors: [ProcessorDefinition],
        peers: [ProcessorDefinition] = []
    ) {
        self.name = name
        self.source = source
        self.processors = processors
        self.peers = peers
    }
}
