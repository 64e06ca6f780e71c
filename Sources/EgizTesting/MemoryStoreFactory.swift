public import EgizCore
public import EgizRuntime

/// Opens connections to one `MemoryStore`.
public struct MemoryStoreFactory: StoreFactory {
    private let store: MemoryStore

    public init(store: MemoryStore) { self.store = store }

    public func openTaskStore(worker: WorkerIdentity) throws(EngineError) -> any TaskStore {
        try store.checkPresence()
        return MemoryTaskStore(store: store, worker: worker)
    }

    public func openEpochWriter(worker: WorkerIdentity) throws(EngineError) -> any EpochWriter {
        try store.checkPresence()
        return MemoryEpochWriter(store: store)
    }
}
