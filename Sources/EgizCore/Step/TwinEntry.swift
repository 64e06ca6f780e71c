import EgizTwin

/// One twin in a task's cache, with the states of the task's processors and what the epoch pipeline must know of it.
final class TwinEntry {
    /// What an epoch has done with the entry, for doing it again (rule 5).
    enum Replay {
        case event(TwinEvent, streamTime: EventTime, topic: Int, offset: Int64)
        case tick(TimerTick, processor: Int)
        case review(streamTime: EventTime)
        case message(InboxMessage, streamTime: EventTime)
    }

    /// The entry as it was at the start of the open epoch; only kept where a processor may refuse records.
    struct Base {
        var twin: TwinSnapshot?
        /// By place in `states`.
        var states: [any ProcessorState]
    }

    var twin: Twin
    /// The task that owns the thing as the store has it; nil while no event created it.
    var home: TaskID?
    /// The owner is the task of the cache.
    var isAtHome = false
    /// The open epoch has created the thing, of which the store has nothing.
    var isNew = false
    /// Input position of the last applied event, kept as offset and index of the topic.
    var lastTopic = 0
    var lastOffset: Int64 = -1
    var series = SeriesMap()
    /// One for each stateful processor, in their order; empty where the stage has none.
    var states: [StateSlot] = []
    /// The open epoch has changed the twin.
    var isTwinTouched = false
    /// The open epoch has changed the twin or a state.
    var isTouched = false
    /// The highest closed epoch that wrote it; the entry stays until that one is committed (rule 4).
    var pinnedBy: Int64 = 0
    /// Used since the clock hand passed.
    var isReferenced = true
    /// Estimated bytes of the twin, from the size of its last snapshot.
    var twinBytes = 1024
    /// Estimated bytes in all; kept by the cache.
    var bytes = 1024
    var base: Base?
    var replays: [Replay] = []

    init(twin: Twin, home: TaskID?) {
        self.twin = twin
        self.home = home
    }
}
