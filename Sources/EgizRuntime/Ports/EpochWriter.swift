public import EgizCore
public import EgizTwin

/// The committing thread's own connection: writes epochs. Confined to one thread; every call blocks and reconnects by itself.
public protocol EpochWriter: AnyObject {
    /// Commits the epoch in one transaction. Called again with the same epoch after a `.backoff` error: where an earlier
    /// COMMIT landed although its answer was lost, says so instead of doing it twice (rule 2).
    ///
    /// Errors: `.postgres`/`.backoff` (try again), `.postgres`/`.never` (a data error, SQLSTATE in `detail`),
    /// `.postgres`/`.stop` (schema or permission).
    func commit(_ epoch: EpochWrite) throws(EngineError) -> CommitOutcome

    func close()
}

public enum CommitOutcome: Sendable {
    case committed
    /// Another worker owns at least one of the tasks; nothing was written.
    case fenced([TaskID])
    /// Another stage created these things first (rule 14); nothing was written.
    case foreign([ThingID])
}
