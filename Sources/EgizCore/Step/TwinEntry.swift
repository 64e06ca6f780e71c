import EgizTwin

/// One twin in a task's cache, with what the epoch pipeline must know of it.
final class TwinEntry {
    var twin: Twin
    /// The task that owns the thing as the store has it; nil while no event created it.
    var home: TaskID?
    /// Input position of the last applied event, kept as offset and index of the topic.
    var lastTopic = 0
    var lastOffset: Int64 = -1
    var series = SeriesMap()
    /// The open epoch has changed it.
    var isTouched = false
    /// The highest closed epoch that wrote it; the entry stays until that one is committed (rule 4).
    var pinnedBy: Int64 = 0
    /// Used since the clock hand passed.
    var isReferenced = true
    /// Estimated bytes, from the size of the last snapshot.
    var bytes = 1024
    /// Only where a processor may refuse records: the twin at the start of the open epoch, and the events since.
    var base: TwinSnapshot?
    var hasBase = false
    var events: [TwinEvent] = []

    init(twin: Twin, home: TaskID?) {
        self.twin = twin
        self.home = home
    }
}
