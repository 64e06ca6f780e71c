public import EgizCore

/// Deployed topologies, their versions, and what workers say of them. Confined to one thread; every call blocks, reconnects by
/// itself, and throws `.postgres`/`.backoff` where the database is away.
public protocol DeploymentStore: AnyObject {
    /// Runs `body` in one transaction that excludes all others that change deployments; rolls back what throws.
    func exclusively(_ body: () throws(EngineError) -> Void) throws(EngineError)

    func snapshot() throws(EngineError) -> DeploymentSnapshot

    // MARK: What shall run

    /// The text of a version; nil where there is none.
    func text(of topology: String, version: Int64) throws(EngineError) -> String?
    /// All versions, ascending, with the time they were applied at (microseconds since 1970) and by what.
    func versions(of topology: String) throws(EngineError) -> [TopologyVersion]
    /// What is stored of the topology's stages, also of those it has no longer.
    func stages(of topology: String) throws(EngineError) -> [StoredStage]
    /// Stores a new version and wants it; the number, which only rises. A deleted topology runs again, a paused one stays so.
    func save(_ topology: String, text: String, origin: String) throws(EngineError) -> Int64
    /// Running again after `paused` or `deleted`, or after a failure, counts as a restart.
    func setState(_ state: Deployment.State, of topology: String) throws(EngineError)
    /// Workers run this version from now on.
    func switchTo(_ version: Int64, of topology: String) throws(EngineError)
    /// Ends alerts and scenes that stages left which the topology has no longer: all but `present`. Only of tasks that belong to
    /// nobody who lives, and to `worker`, whose threads of these stages have ended. False where some are left for later.
    func endStages(of topology: String, except present: [StageName], by worker: WorkerIdentity?) throws(EngineError)
        -> Bool
    /// Removes positions, twins and everything else that belongs to the topology's stages; history and versions stay.
    func purge(_ topology: String) throws(EngineError)

    // MARK: Workers

    /// Says that the worker lives and how its topologies stand.
    func beat(_ worker: WorkerIdentity, scope: Set<String>?, reports: [TopologyReport]) throws(EngineError)
    /// The worker ends: nobody waits for it any more.
    func leave(_ worker: WorkerIdentity) throws(EngineError)
    /// The files of this host's folder that are refused now; those of `folder` that are not among them no longer are.
    func noteRefused(_ files: [RefusedFile], host: String, folder: String) throws(EngineError)

    func close()
}

/// One stored version of a topology.
public struct TopologyVersion: Sendable, Equatable {
    public var version: Int64
    public var text: String
    /// Microseconds since 1970.
    public var appliedAt: Int64
    /// `apply`, `rollback to 3`, `worker host`, `folder host:/etc/egiz/line.yaml`; nil where it is not known.
    public var origin: String?

    public init(version: Int64, text: String, appliedAt: Int64, origin: String?) {
        self.version = version
        self.text = text
        self.appliedAt = appliedAt
        self.origin = origin
    }
}
