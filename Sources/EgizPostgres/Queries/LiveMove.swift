/// A thing, or all things of a namespace, went from one project to another.
public struct LiveMove: Sendable, Equatable {
    /// Rises with each; the order in which they were committed.
    public var id: Int64
    /// A thing's id, or a namespace.
    public var subject: String
    public var isNamespace: Bool
    /// Nil: nobody's.
    public var before: ProjectID?
    public var after: ProjectID?
    /// There are things that it takes along: no snapshot shows a thing that was registered before its twin.
    public var matters: Bool

    public init(
        id: Int64, subject: String, isNamespace: Bool, before: ProjectID?, after: ProjectID?, matters: Bool = true
    ) {
        self.id = id
        self.subject = subject
        self.isNamespace = isNamespace
        self.before = before
        self.after = after
        self.matters = matters
    }
}
