public import EgizCore
import EgizPostgres
import EgizRuntime

/// What the API needs to say what dead letters would do: the kinds of processors, the reader of topology files, and the database, to
/// restore twins and states from.
public struct RehearsalSetup: Sendable {
    /// Name and text of a deployed topology to the topology; nil where this version cannot read it.
    public typealias Reader = @Sendable (String, String) -> Topology?

    let registry: ProcessorRegistry
    let read: Reader
    let url: String

    public init(registry: ProcessorRegistry, url: String, read: @escaping Reader) {
        self.registry = registry
        self.read = read
        self.url = url
    }

    /// A store that owns nothing; close it when done.
    func store() -> PostgresTaskStore {
        PostgresTaskStore(url: url, worker: WorkerIdentity(id: "dry-run", host: "", processID: 0))
    }
}
