/// What one worker says of one topology, in its row of `egiz.topology_worker`.
public struct TopologyReport: Sendable, Equatable {
    public enum State: String, Sendable, Codable {
        /// Reads and checks a version, or waits for Kafka to do so.
        case preparing
        /// Has prepared what is wanted, runs nothing: others have not yet.
        case ready
        case running
        /// Commits and releases what it has, before another version or a pause.
        case draining
        case paused
        /// Cannot run a version that is wanted or running, and says why.
        case refused
        /// Its threads ended with an error.
        case failed
    }

    public var topology: String
    /// The version that this worker could start at once: the newest one it has checked.
    public var preparedVersion: Int64?
    /// The version whose threads run.
    public var runningVersion: Int64?
    /// The version it cannot run.
    public var refusedVersion: Int64?
    public var state: State
    public var error: String?

    public init(
        topology: String, preparedVersion: Int64? = nil, runningVersion: Int64? = nil, refusedVersion: Int64? = nil,
        state: State, error: String? = nil
    ) {
        self.topology = topology
        self.preparedVersion = preparedVersion
        self.runningVersion = runningVersion
        self.refusedVersion = refusedVersion
        self.state = state
        self.error = error
    }
}
