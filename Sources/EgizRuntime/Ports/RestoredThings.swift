public import EgizCore

/// What the store has of the things a task asked for: a thing or state without a row is not in it.
public struct RestoredThings: Sendable {
    public var twins: [TwinRow]
    public var states: [StateRow]

    public init(twins: [TwinRow], states: [StateRow]) {
        self.twins = twins
        self.states = states
    }
}
