/// One thing that must hold before requests should be sent here.
public struct ReadinessCheck: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        case ok
        /// It comes by itself; says what is waited for.
        case waiting(String)
        /// It does not come by itself; says what to do.
        case failed(String)
    }

    public var name: String
    public var state: State

    public init(name: String, state: State) {
        self.name = name
        self.state = state
    }
}
