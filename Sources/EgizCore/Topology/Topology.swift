/// A checked topology: names are unique and resolve, the graph has no cycle, every setting has a value. Data, nothing runs.
public struct Topology: Sendable {
    public enum Delivery: String, Sendable, CaseIterable {
        case exactlyOnce = "exactly_once"
        case atLeastOnce = "at_least_once"
    }

    public var name: String
    public var description: String?
    public var delivery: Delivery
    /// Stream threads of each stage in each worker.
    public var parallelism: Int
    public var commit: CommitPolicy
    /// In the order of the file.
    public var sources: [SourceDefinition]
    /// In the order of the file.
    public var processors: [ProcessorDefinition]
    /// librdkafka properties of this topology's clients (`kafka: {…}`), over the worker's own.
    public var kafka: [String: String]
    /// The text of the file, which is stored: another text is another version.
    public var sourceText: String

    public init(
        name: String, description: String?, delivery: Delivery, parallelism: Int, commit: CommitPolicy,
        sources: [SourceDefinition], processors: [ProcessorDefinition], kafka: [String: String], sourceText: String
    ) {
        self.name = name
        self.description = description
        self.delivery = delivery
        self.parallelism = parallelism
        self.commit = commit
        self.sources = sources
        self.processors = processors
        self.kafka = kafka
        self.sourceText = sourceText
    }

    /// One stage for each source, with the processors it feeds in the order in which a record meets them.
    public var stages: [StageDefinition] {
        sources.map { source in
            var members: [ProcessorDefinition] = []
            var reached: Set<String> = [source.name]
            var rest = processors
            while let index = rest.firstIndex(where: { reached.contains($0.from) }) {
                let next = rest.remove(at: index)
                reached.insert(next.name)
                members.append(next)
            }
            return StageDefinition(
                name: StageName(topology: name, source: source.name), source: source, processors: members,
                peers: processors)
        }
    }
}
