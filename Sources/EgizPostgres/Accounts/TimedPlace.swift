public import EgizTwin

/// Where a row stands in a list that is ordered by time, the newest first, and by id where times are the same.
public struct TimedPlace: Sendable, Equatable {
    public var time: EventTime
    public var id: UUIDText

    public init(time: EventTime, id: UUIDText) { (self.time, self.id) = (time, id) }

    /// Microseconds and the id.
    public var text: String { "\(time.microseconds) \(id.text)" }

    /// Nil where the text is none of `text`.
    public init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int64(parts[0]), let id = UUIDText(parts[1]) else { return nil }
        self.init(time: EventTime(microseconds: time), id: id)
    }
}
