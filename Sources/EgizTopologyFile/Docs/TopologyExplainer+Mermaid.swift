public import EgizCore
import EgizTwin

extension TopologyExplainer {
    /// A Mermaid flowchart: topics, a box a stage, projections. Every label is quoted and escaped.
    public static func mermaid(of topology: Topology, registry: ProcessorRegistry) -> String {
        var nodes: [String] = []
        var edges: [String] = []
        var topics: [String: String] = [:]
        var projections: [String: String] = [:]

        for (stageIndex, stage) in topology.stages.enumerated() {
            let prefix = "s\(stageIndex)"
            nodes.append("  subgraph \(prefix)[\(label([stage.name.text]))]")
            nodes.append("    \(prefix)_source[\(label([stage.source.name, stage.source.format.rawValue]))]")
            for topic in stage.source.topics {
                let id = topics[topic.name] ?? "topic\(topics.count)"
                if topics.updateValue(id, forKey: topic.name) == nil {
                    let partitions = topic.partitions.map { [count(Int($0), "partition")] } ?? []
                    edges.append("  \(id)[/\(label([topic.name] + partitions))/]")
                }
                edges.append("  \(id) --> \(prefix)_source")
            }
            for (index, processor) in stage.processors.enumerated() {
                let id = "\(prefix)_p\(index)"
                let spec = registry[processor.kind]?.spec
                let lines = [processor.name, processor.kind] + settings(of: processor, spec)
                nodes.append("    \(id)[\(label(lines))]")
                let upstream =
                    stage.processors.firstIndex { $0.name == processor.from }.map { "\(prefix)_p\($0)" }
                    ?? "\(prefix)_source"
                edges.append("  \(upstream) --> \(id)")
                for pattern in spec?.projections ?? [] {
                    let projection = pattern.replacing("{name}", with: processor.name)
                    let target = projections[projection] ?? "projection\(projections.count)"
                    if projections.updateValue(target, forKey: projection) == nil {
                        edges.append("  \(target)[(\(label([projection])))]")
                    }
                    edges.append("  \(id) --> \(target)")
                }
            }
            nodes.append("  end")
        }
        return (["flowchart LR"] + nodes + edges).joined(separator: "\n") + "\n"
    }

    private static func label(_ lines: [String]) -> String {
        let escaped = lines.map { line in
            line.singleLine.unicodeScalars.map { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", " ", ".", "-", "_", "/", ":", ",": String(scalar)
                // Mermaid's entity codes; `#`, quotes, brackets and stars mean something to it.
                default: "#\(scalar.value);"
                }
            }.joined()
        }
        return "\"" + escaped.joined(separator: "<br/>") + "\""
    }
}
