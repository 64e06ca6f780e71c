public import EgizTwin

/// Which dead letters somebody wants to have tried again or dropped.
public enum RedriveSelection: Sendable {
    case letters([Int64])
    /// All of the thing, in whatever task: those that stand aside alone, and its queue.
    case thing(ThingID)
    /// All of the topology; of one code, where it is named.
    case all(topology: String, code: String?)
}
