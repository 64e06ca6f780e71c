/// A leaf that an event wrote or removed.
public struct LeafChange: Sendable, Equatable {
    public var path: PathID
    public var value: LeafValue
    /// False where the event wrote the value that was there already.
    public var changed: Bool

    public init(path: PathID, value: LeafValue, changed: Bool) {
        self.path = path
        self.value = value
        self.changed = changed
    }
}
