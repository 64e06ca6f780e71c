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
    /// What people should know although it is ready; nil: nothing.
    public var note: String?

    public init(name: String, state: State, note: String? = nil) {
        self.name = name
        self.state = state
        self.note = note
    }
}
