import EgizCore
import EgizRuntime

/// The committing thread's connection to a `MemoryStore`.
final class MemoryEpochWriter: EpochWriter {
    private let store: MemoryStore

    init(store: MemoryStore) { self.store = store }

    func commit(_ epoch: EpochWrite) throws(EngineError) -> CommitOutcome { try store.commit(epoch) }

    func close() {}
}
