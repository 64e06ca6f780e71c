public import EgizCore
public import EgizRuntime

/// Opens the connections of stream threads. They connect when they are first used, so a database that is away at the start
/// only makes the threads wait.
public struct PostgresStoreFactory: StoreFactory {
    private let url: String

    public init(url: String) { self.url = url }

    public func openTaskStore(worker: WorkerIdentity) throws(EngineError) -> any TaskStore {
        PostgresTaskStore(url: url, worker: worker)
    }

    public func openEpochWriter(worker: WorkerIdentity) throws(EngineError) -> any EpochWriter {
        PostgresEpochWriter(url: url, worker: worker)
    }
}
