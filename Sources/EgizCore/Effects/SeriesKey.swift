public import EgizTwin

/// The name of one series: a thing and a leaf path below it. Compared by identity: the owning task makes each key once
/// a tenure, so that the writer can cache the series' database id in it.
public final class SeriesKey {
    public let thing: ThingID
    /// JSON pointer text of the path, U+0000 escaped as `~2`; at most 1024 bytes.
    public let path: String
    /// The database id, set by the writer after the transaction that made it has committed (rule 28); written and read on
    /// the committing thread only.
    public var databaseID: Int64?
    /// Its retention class in days, 0 for ever; set with `databaseID`.
    public var retention: Int32 = 0

    public init(thing: ThingID, path: String) {
        self.thing = thing
        self.path = path
    }
}
