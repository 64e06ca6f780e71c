import EgizCore

/// Checks topologies that are deployed together against each other.
enum SetCheck {
    /// - Returns: the files with the faults that only show between them; the later file is the one at fault.
    static func check(_ files: [LoadedTopology], registry: ProcessorRegistry) -> [LoadedTopology] {
        var names: [String: String] = [:]
        var owners: [String: String] = [:]
        let cycles = TopicCycle.undeclared(in: files.compactMap(\.topology), registry: registry).filter { cycle in
            // Those within one file are that file's own faults.
            Set(cycle.edges.map(\.from.topology)).count > 1
        }
        return files.map { file in
            guard let topology = file.topology else { return file }
            var faults = file.faults
            for cycle in cycles {
                // Told where the circle closes.
                guard let last = cycle.edges.last(where: { $0.from.topology == topology.name }),
                    last.from == cycle.edges.last?.from
                else { continue }
                faults.append(
                    TopologyFault(
                        at: last.mark,
                        "records run in a circle: \(cycle.text); write to another topic, or say `cycle: true` at a source of the circle where that is meant"
                    ))
            }
            if let other = names[topology.name] {
                faults.append(
                    TopologyFault(
                        at: nameMark(topology),
                        "a topology called `\(topology.name)` stands in \(other) already; give it another name"))
            } else {
                names[topology.name] = file.file
            }
            for stage in topology.stages where projects(stage, registry) {
                for topic in stage.source.topics {
                    if let owner = owners[topic.name] {
                        faults.append(
                            TopologyFault(
                                at: topic.mark,
                                "the stage `\(stage.name)` makes twins of the topic \"\(topic.name)\", as \(owner) does; a thing belongs to one stage, let one of them read another topic"
                            ))
                    } else {
                        owners[topic.name] = "`\(stage.name)` of \(file.file)"
                    }
                }
            }
            return LoadedTopology(file: file.file, topology: topology, faults: faults)
        }
    }

    private static func projects(_ stage: StageDefinition, _ registry: ProcessorRegistry) -> Bool {
        stage.processors.contains { registry[$0.kind]?.spec.projections.contains("twin") == true }
    }

    /// Where the file says its name.
    private static func nameMark(_ topology: Topology) -> SourceMark {
        guard case .map(let root)? = YAMLDocument.read(topology.sourceText, into: FaultList())?.content,
            case .map(let metadata)? = root.first(where: { $0.key == "metadata" })?.value.content,
            let name = metadata.first(where: { $0.key == "name" })
        else { return SourceMark(line: 1, column: 1) }
        return name.value.mark
    }
}
