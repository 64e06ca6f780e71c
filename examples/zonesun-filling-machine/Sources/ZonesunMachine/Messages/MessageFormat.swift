/// In which words a machine reports.
public enum MessageFormat: String, Sendable, CaseIterable {
    /// Eclipse Ditto's twin events, numbered by revision.
    case ditto
    /// Plain JSON; the engine numbers it.
    case telemetry
}
