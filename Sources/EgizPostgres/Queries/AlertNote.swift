public import EgizTwin

/// What somebody wrote of an alert.
public struct AlertNote: Sendable {
    public var text: String?
    /// To whom it was given then; empty: to nobody any more.
    public var assignee: String?
    public var by: String?
    public var time: EventTime
}
