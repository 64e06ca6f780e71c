public import EgizCore

/// Opens the two blocking connections of a stream thread. Safe from any thread.
public protocol StoreFactory: Sendable {
    func openTaskStore(worker: WorkerIdentity) throws(EngineError) -> any TaskStore
    func openEpochWriter(worker: WorkerIdentity) throws(EngineError) -> any EpochWriter
}

/// Who owns tasks: one a process.
public struct WorkerIdentity: Sendable, Hashable {
    /// A UUID, new at each start.
    public var id: String
    public var host: String
    public var processID: Int32

    public init(id: String, host: String, processID: Int32) {
        self.id = id
        self.host = host
        self.processID = processID
    }
}
