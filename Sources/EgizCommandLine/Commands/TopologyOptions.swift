import ArgumentParser
import EgizCore
import EgizKafka
import EgizProcessors
import EgizTopologyFile
import Foundation

/// Where topologies come from.
struct TopologyOptions: ParsableArguments {
    @Option(name: .long, help: "A folder of topology files, or one file.")
    var topologies = "Topologies"

    /// All topologies; throws with every fault of every file.
    func load() throws -> [Topology] { try Self.load(topologies) }

    /// All topologies of a folder or a file.
    static func load(_ topologies: String) throws -> [Topology] {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: topologies, isDirectory: &isFolder)
        guard isFolder.boolValue else { return try load([topologies]) }
        return try checked(TopologyLoader.standard.load(folder: topologies), topologies)
    }

    /// All topologies of these files.
    static func load(_ files: [String]) throws -> [Topology] {
        try checked(TopologyLoader.standard.load(paths: files), files.joined(separator: ", "))
    }

    private static func checked(_ loaded: LoadedTopologies, _ place: String) throws -> [Topology] {
        FileHandle.standardError.write(Data(loaded.report.utf8))
        guard !loaded.hasErrors else {
            throw EngineError(
                .topology, .stop,
                "the topologies of \(place) have faults, nothing was started; mend them or name others with --topologies"
            )
        }
        return loaded.topologies
    }
}

extension TopologyLoader {
    /// The loader of this program: all built-in kinds, `${NAME}` from the process environment, properties of the linked
    /// librdkafka.
    static var standard: TopologyLoader {
        TopologyLoader(
            registry: Kinds.registry, environment: ProcessInfo.processInfo.environment,
            kafkaProperties: KafkaPropertyNames.all)
    }
}
