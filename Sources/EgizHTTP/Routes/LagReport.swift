import EgizCore
import EgizPostgres
import EgizTwin

/// What is left to do, from committed positions and the ends of the log.
struct LagReport {
    /// The next offset of each partition of the log; nil where the log could not be asked.
    var ends: [TopicPartition: NextOffset]?
    /// The time of the request.
    var now: EventTime

    struct Topic: Equatable {
        var name: String
        var next: NextOffset?
        var end: NextOffset?
        /// In records; nil where it is not known.
        var lag: Int64?
    }

    /// All topics of the stage, also those the task has not read yet, ascending by name.
    func topics(of task: TaskState, in stage: StageState) -> [Topic] {
        stage.topics.map { name in
            let next = task.offsets.first { $0.topic.utf8.elementsEqual(name.utf8) }?.next
            let end = ends?[TopicPartition(name, task.partition)]
            return Topic(name: name, next: next, end: end, lag: Self.lag(next: next, end: end))
        }
    }

    /// Without a position there is nothing to count from, unless the log is empty.
    private static func lag(next: NextOffset?, end: NextOffset?) -> Int64? {
        guard let end else { return nil }
        guard let next else { return end.raw == 0 ? 0 : nil }
        return max(0, end.raw - next.raw)
    }

    /// The sum of the topics; nil where one is not known.
    static func records(_ topics: [Topic]) -> Int64? {
        topics.reduce(Int64?(0)) { sum, topic in sum.flatMap { sum in topic.lag.map { sum + $0 } } }
    }

    /// How far the task's stream time lies behind the clock; 0 where nothing is left to read, nil where that is not known.
    ///
    /// It is an upper bound: a device that has been silent for an hour and now sent one event shows an hour until that event
    /// is committed.
    func seconds(records: Int64?, streamTime: EventTime?) -> Double? {
        guard let records else { return nil }
        if records == 0 { return 0 }
        return streamTime.map { Double(max(0, now.microseconds - $0.microseconds) / 1000) / 1000 }
    }
}
