public import EgizCore
public import EgizRuntime

/// What a selection comes to: one request, or two, for each task that has some of the letters.
public struct RedrivePlan: Sendable {
    public struct Part: Sendable {
        public var task: TaskID
        /// Rising: the order in which they are tried.
        public var letters: [Int64]
        /// All parked letters of this thing, also those that queue up meanwhile.
        var thing: String?
        /// All letters of the task up to this one; parked ones also beyond it.
        var upto: Int64?
    }

    public var action: RedriveBatch.Action
    public var parts: [Part]
    /// Letters that were named and are not there.
    public var missing: [Int64]

    public var count: Int { parts.reduce(0) { $0 + $1.letters.count } }
}
