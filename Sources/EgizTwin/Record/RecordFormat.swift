/// How the values of a topic's records are written.
public enum RecordFormat: String, Sendable, CaseIterable {
    /// Ditto Protocol twin events.
    case ditto
    /// `{"thingId", "timestamp", "features": {feature: {property: value}}}`.
    case telemetry
    /// Any JSON; no twin events.
    case json
}
