/// An event about one thing, checked as far as that is possible without the twin.
///
/// Belongs to the stream thread whose `PathTable` decoded it.
public struct TwinEvent {
    public var thing: ThingID
    /// The payload's timestamp, rounded down to the microsecond; without one the time of the record.
    public var time: EventTime
    /// Position in the thing's life; nil for telemetry, which the twin numbers itself.
    public var revision: Int64?
    var timestamp: Timestamp?
    var action: EventAction
    var path: EventPath
    /// Without members that a thing does not have; nil for deletions.
    var value: JSONValue?
    var metadata: JSONObject?
    /// A merge whose keys include Ditto's regular expressions: `value` is as it came, and checked after merging.
    var usesExpressions = false
    /// The merge can have no valid result, whatever the twin is.
    var fault: String?
}
