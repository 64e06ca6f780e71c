/// What shall run of one topology, and what does.
///
/// `wantedVersion` is what was applied last; `runningVersion` is what workers run. They differ from the moment something is
/// applied until every live worker has prepared it (rule 21).
public struct Deployment: Sendable, Equatable {
    public enum State: String, Sendable, Codable {
        case running
        /// No worker runs it; positions and state are kept.
        case paused
        /// As paused, and not listed; applying it again brings it back where it stopped.
        case deleted
    }

    public var name: String
    public var wantedVersion: Int64
    /// Nil until it was switched to for the first time.
    public var runningVersion: Int64?
    public var state: State
    /// Rises when it is resumed: a worker in which it failed tries again.
    public var restarts: Int64
    /// Microseconds since 1970.
    public var changedAt: Int64

    public init(
        name: String, wantedVersion: Int64, runningVersion: Int64?, state: State = .running, restarts: Int64 = 0,
        changedAt: Int64 = 0
    ) {
        self.name = name
        self.wantedVersion = wantedVersion
        self.runningVersion = runningVersion
        self.state = state
        self.restarts = restarts
        self.changedAt = changedAt
    }

    /// Something was applied that the workers do not run yet.
    public var isPending: Bool { state != .deleted && runningVersion != wantedVersion }
}
