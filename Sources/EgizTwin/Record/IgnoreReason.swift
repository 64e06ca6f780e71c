/// Why a record changes nothing although nothing is wrong with it.
public enum IgnoreReason: String, Sendable, CaseIterable {
    case tombstone
    case notThing = "not-thing"
    case live
    case notEvent = "not-event"
    case duplicate
    case stale
    case orphan
}
