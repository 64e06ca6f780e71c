import EgizCore

extension DeploymentPlan {
    /// For people: one line a stage, and one for each processor that is new.
    public var lines: [String] {
        var lines: [String] = []
        for stage in stages {
            lines.append("\(stage.name)  \(Self.text(stage))")
            for topic in stage.newTopics { lines.append("  topic \(topic)  from \(stage.begin.rawValue)") }
            for processor in stage.newProcessors {
                lines.append("  \(processor.name) (\(processor.kind))  since \(Self.since(stage))")
            }
            for name in stage.removedProcessors { lines.append("  \(name)  ends; what it wrote stays") }
        }
        for name in removedStages { lines.append("\(name)  ends") }
        lines.append(contentsOf: notes.map { "note: \($0)" })
        lines.append(contentsOf: refusals.map { "refused: \($0)" })
        return lines
    }

    private static func text(_ stage: Stage) -> String {
        switch stage.start {
        case .keeps: "keeps"
        case .startsAt: "starts at \(offsets(stage.positions))"
        case .new(let start): "new, from \(start.rawValue)"
        }
    }

    private static func since(_ stage: Stage) -> String {
        switch stage.start {
        case .new(let start): start.rawValue
        case .keeps, .startsAt:
            stage.positions.isEmpty ? stage.begin.rawValue : offsets(stage.positions)
        }
    }

    /// `0:120 1:98` for a few partitions, else the range; by topic where there are several.
    static func offsets(_ positions: [TopicPartition: NextOffset]) -> String {
        let topics = Set(positions.keys.map(\.topic)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return topics.map { topic in
            let own = positions.filter { $0.key.topic == topic }.sorted { $0.key < $1.key }
            let prefix = topics.count > 1 ? "\(topic) " : ""
            guard own.count > 8, let least = own.map(\.value.raw).min(), let most = own.map(\.value.raw).max() else {
                return prefix + "offset " + own.map { "\($0.key.partition):\($0.value.raw)" }.joined(separator: " ")
            }
            return prefix + "offset \(least)…\(most) (\(own.count) partitions)"
        }.joined(separator: ", ")
    }
}
