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
    public func load(text: String, file: String) -> LoadedTopology {
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
        return LoadedTopology(file: file, topology: topology, faults: faults.faults)
    }

    /// A file that could not even be read.
    func refused(_ file: String, _ message: String) -> LoadedTopology {
        LoadedTopology(
            file: file, topology: nil, faults: [TopologyFault(at: SourceMark(line: 1, column: 1), message)])
    }
}
