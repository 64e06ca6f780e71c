public import EgizCore
public import EgizRuntime
public import EgizTwin

/// How far a redrive request has come.
public struct RedriveProgress: Sendable {
    /// Who will serve it.
    public enum Owner: Sendable, Equatable {
        case worker(host: String)
        /// Nobody owns the task at the moment; the request waits.
        case nobody
        /// As `nobody`, because people want it so.
        case paused
    }

    public var id: Int64
    public var task: TaskID
    public var action: RedriveBatch.Action
    public var isDone: Bool
    /// Processed or dropped.
    public var resolved: Int64
    /// Failed again.
    public var failed: Int64
    public var requestedAt: EventTime
    public var requestedBy: String?
    public var finishedAt: EventTime?
    public var message: String?
    public var owner: Owner
}
