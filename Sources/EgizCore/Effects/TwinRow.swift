public import EgizTwin

/// One twin as an epoch leaves it: the row of the projection, which is the projector's state as well.
public struct TwinRow: Sendable {
    public var snapshot: TwinSnapshot
    /// The task that owns the thing (rules 13 and 14).
    public var home: TaskID
    /// The input position of the last event that changed it.
    public var position: InputPosition
    /// The store had no row when the thing was asked for, and its first event is of this epoch: a hint for the writer, which may find one
    /// all the same.
    public var isNew = false

    public init(snapshot: TwinSnapshot, home: TaskID, position: InputPosition) {
        self.snapshot = snapshot
        self.home = home
        self.position = position
    }
}
