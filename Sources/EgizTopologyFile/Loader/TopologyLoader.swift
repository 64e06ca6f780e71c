public import EgizCore

/// Reads topology files and checks them as a whole. Finds all faults of a file at once.
public struct TopologyLoader: Sendable {
    /// Larger files are refused, in bytes.
    public static let maximumBytes = 1 << 20

    let registry: ProcessorRegistry
    let environment: [String: String]
    let kafkaProperties: [String]

    /// - Parameters:
    ///   - registry: the processor kinds a file may name.
    ///   - environment: where `${NAME}` in the values of `kafka:` comes from; nothing else in a file is substituted.
    ///   - kafkaProperties: the names that `kafka:` may use; others are warned of. Empty: not checked.
    public init(registry: ProcessorRegistry, environment: [String: String] = [:], kafkaProperties: [String] = []) {
        self.registry = registry
        self.environment = environment
        self.kafkaProperties = kafkaProperties
    }

    /// Reads the text of one file.
    /// - Parameter file: the name that reports give; nothing is opened.
    public func load(text: String, file: String) -> LoadedTopology { load(text: text, file: file, folder: nil) }

    /// - Parameter folder: where the files lie that the topology names; nil: they are not looked at.
    func load(text: String, file: String, folder: String?) -> LoadedTopology {
        let faults = FaultList()
        guard text.utf8.count <= Self.maximumBytes else {
            return refused(file, "the file has \(text.utf8.count) bytes, expected at most \(Self.maximumBytes)")
        }
        let value = YAMLDocument.read(text, into: faults)
        let topology = value.flatMap {
            TopologyReader(
                registry: registry, environment: environment, kafkaProperties: kafkaProperties, faults: faults
            ).read($0, text: text)
        }
        if let topology, let folder { ModelCheck(registry: registry, folder: folder, faults: faults).check(topology) }
        return LoadedTopology(file: file, topology: topology, faults: faults.faults)
    }

    /// A file that could not even be read.
    func refused(_ file: String, _ message: String) -> LoadedTopology {
        LoadedTopology(
            file: file, topology: nil, faults: [TopologyFault(at: SourceMark(line: 1, column: 1), message)])
    }
}
