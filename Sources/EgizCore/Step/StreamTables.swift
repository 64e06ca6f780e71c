public import EgizTwin

/// What all tasks of a stream thread share: the paths they have met and the decoder with its caches. Confined to the thread.
public final class StreamTables {
    public let paths: PathTable
    public let decoder: RecordDecoder

    /// Things that uncommitted epochs of this thread have created, and where: two of its tasks must not both create one (rule 13).
    var created: [ThingID: TaskID] = [:]

    public init() {
        paths = PathTable()
        decoder = RecordDecoder(paths: paths)
    }
}
