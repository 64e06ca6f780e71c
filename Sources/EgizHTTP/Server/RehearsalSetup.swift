public import EgizCore
import EgizPostgres
import EgizRuntime

/// What the API needs of topologies: the kinds of processors and the reader of topology files, to check and deploy them and to say what
/// dead letters would do, and the database, to restore twins and states from.
public struct RehearsalSetup: Sendable {
    /// Name and text of a deployed topology to the topology; nil where this version cannot read it.
    public typealias Reader = @Sendable (String, String) -> Topology?

    /// What came of a text.
    public struct Loaded: Sendable {
        /// Nil where there is any error.
        public var topology: Topology?
        /// Errors and warnings in the order of the text.
        public var faults: [TopologyFault]
        /// Variables of the environment that the text names and this process does not have; each worker takes its own.
        public var unset: [String]

        public init(topology: Topology?, faults: [TopologyFault], unset: [String]) {
            (self.topology, self.faults, self.unset) = (topology, faults, unset)
        }
    }

    let registry: ProcessorRegistry
    let read: Reader
    let load: @Sendable (String) -> Loaded
    let url: String

    /// - Parameter load: Checks a whole text; where it is left out, a text that cannot be read has one fault.
    public init(
        registry: ProcessorRegistry, url: String, read: @escaping Reader,
        load: (@Sendable (String) -> Loaded)? = nil
    ) {
        self.registry = registry
        self.read = read
        self.load =
            load ?? { text in
                let topology = read("body", text)
                let mark = SourceMark(line: 1, column: 1)
                let faults =
                    topology == nil ? [TopologyFault(at: mark, "this is no topology that can be read here")] : []
                return Loaded(topology: topology, faults: faults, unset: [])
            }
        self.url = url
    }

    /// A store that owns nothing; close it when done.
    func store() -> PostgresTaskStore {
        PostgresTaskStore(url: url, worker: WorkerIdentity(id: "dry-run", host: "", processID: 0))
    }
}
