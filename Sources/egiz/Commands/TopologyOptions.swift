import ArgumentParser
import EgizCore
import EgizProcessors
import EgizTopologyFile
import Foundation

/// Where topologies come from.
struct TopologyOptions: ParsableArguments {
    @Option(name: .long, help: "A folder of topology files, or one file.")
    var topologies = "Topologies"

    /// All topologies; throws with every fault of every file.
    func load() throws -> [Topology] {
        let set = TopologySet.load(path: topologies, loader: .standard)
        for report in set.reports { FileHandle.standardError.write(Data((report + "\n").utf8)) }
        guard set.isValid else {
            throw EngineError(.topology, .stop, "the topologies of \(topologies) have faults; nothing was started")
        }
        guard !set.topologies.isEmpty else {
            throw EngineError(
                .topology, .stop, "no topology file (*.yaml) in \(topologies); name a folder or file with --topologies")
        }
        return set.topologies
    }
}

extension TopologyLoader {
    /// The loader of this program: all built-in kinds, `${NAME}` from the process environment.
    static var standard: TopologyLoader { TopologyLoader(registry: .builtin) }
}
