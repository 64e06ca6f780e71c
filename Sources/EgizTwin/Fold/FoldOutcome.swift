/// What an event did to its twin.
public enum FoldOutcome {
    /// `missed`: revisions between the last one and this; `reset`: the thing began anew at a lower revision.
    case applied(missed: Int64, reset: Bool)
    case ignored(IgnoreReason)
    case rejected(Rejection)
}
