import EgizTwin

/// Registered things whose type changed while the rules stayed: they alone are looked at again. Until then the task's row says what was
/// in force before, so that whoever takes it over meanwhile looks at all of its things.
struct Retyping {
    /// More of them than this, and all things are looked at.
    static let most = 20_000

    /// What the row says of the rules when they were looked at.
    var version: Int64
    var fingerprint: Int64
    var things: [ThingID]
}
