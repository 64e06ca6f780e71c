public import EgizTwin

/// What all tasks of a stream thread share: the paths they have met and the decoder with its caches. Confined to the thread.
public final class StreamTables {
    public let paths: PathTable
    public let decoder: RecordDecoder

    /// Things that uncommitted epochs of this thread have created, and where: two of its tasks must not both create one (rule 13).
    var created: [ThingID: TaskID] = [:]

    /// What the thread's open epoch may still take of fired timers: their number, and the bytes that they cause (rule 4). One record
    /// can make any number of timers due.
    public var room = EpochRoom()

    public init() {
        paths = PathTable()
        decoder = RecordDecoder(paths: paths)
    }
}
