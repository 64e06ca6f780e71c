/// Records that come round: a stage reads, directly or through others, what came of its own records. Each turn makes new records,
/// for ever; so a circle must be meant, and say so (rule 21).
public struct TopicCycle: Sendable {
    /// One stage writes a topic that another, or itself, reads.
    public struct Edge: Sendable {
        public var from: StageName
        public var to: StageName
        public var topic: String
        /// Where the file names the topic.
        public var mark: SourceMark
    }

    /// In their order; the last one leads to where the first begins.
    public var edges: [Edge]

    /// The way, without the names of topologies where there is only one.
    public var text: String {
        let isOne = Set(edges.map(\.from.topology)).count == 1
        func name(_ stage: StageName) -> String { isOne ? "`\(stage.source)`" : "`\(stage)`" }
        return edges.map { "\(name($0.from)) writes \"\($0.topic)\"" }.joined(separator: ", ")
            + ", which \(edges.first.map { name($0.from) } ?? "nobody") reads"
    }

    /// The circles among the stages of topologies in which no source says `cycle: true`; of several through one stage the shortest.
    public static func undeclared(in topologies: [Topology], registry: ProcessorRegistry) -> [TopicCycle] {
        let stages = topologies.flatMap(\.stages)
        var edges: [[(edge: Edge, target: Int)]] = []
        for stage in stages {
            let written = topics(writtenBy: stage, registry)
            var out: [(edge: Edge, target: Int)] = []
            for (target, reader) in stages.enumerated() where !reader.source.mayCycle {
                for topic in written where reader.source.topics.contains(where: { $0.name == topic.name }) {
                    out.append(
                        (Edge(from: stage.name, to: reader.name, topic: topic.name, mark: topic.mark), target))
                    break
                }
            }
            edges.append(out)
        }
        return stages.indices.compactMap { shortest(through: $0, edges) }
    }

    /// Dead letters count: they are records that came of a stage's records.
    private static func topics(writtenBy stage: StageDefinition, _ registry: ProcessorRegistry)
        -> [(name: String, mark: SourceMark)]
    {
        var topics = stage.processors.flatMap { registry[$0.kind]?.spec.topics(writtenBy: $0, of: stage.source) ?? [] }
            .map { (name: $0.name, mark: $0.mark) }
        if stage.source.deadLetterTopic { topics += stage.source.topics.map { ("\($0.name).dlq", $0.mark) } }
        return topics
    }

    /// The shortest circle through a stage and later ones, so that each is found once.
    private static func shortest(through start: Int, _ edges: [[(edge: Edge, target: Int)]]) -> TopicCycle? {
        var came: [Int: (from: Int, edge: Edge)] = [:]
        var queue = [start]
        var next = 0
        while next < queue.count {
            let stage = queue[next]
            next += 1
            for (edge, target) in edges[stage] where target >= start {
                if target == start {
                    var way = [edge]
                    var place = stage
                    while place != start, let step = came[place] {
                        way.append(step.edge)
                        place = step.from
                    }
                    return TopicCycle(edges: way.reversed())
                }
                guard came[target] == nil else { continue }
                came[target] = (stage, edge)
                queue.append(target)
            }
        }
        return nil
    }
}
