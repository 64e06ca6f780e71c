import EgizCore
import EgizPostgres
import EgizRuntime
import EgizTwin

/// Short ways to say what an epoch holds.
enum Epochs {
    static let stage = StageName(topology: "line", source: "events")
    /// 2026-01-01T00:00:00Z.
    static let start: Int64 = 1_767_225_600_000_000
    static let second: Int64 = 1_000_000

    static func task(_ partition: Int32 = 0, _ stage: StageName = stage) -> TaskID {
        TaskID(stage: stage, partition: partition)
    }

    static func advance(
        _ lease: TaskLease, _ n: Int64, next: Int64 = 10, topic: String = "twins", streamTime: Int64? = start
    ) -> TaskAdvance {
        var counters = StepCounters()
        counters.records = next
        return TaskAdvance(
            task: lease.task, ownerEpoch: lease.ownerEpoch, epoch: n,
            offsets: [
                .init(
                    topic: topic, next: NextOffset(stored: next),
                    mark: RecordMark(offset: next - 1, timestamp: EventTime(microseconds: start), crc: 0xFFFF_FFF0))
            ], streamTime: streamTime.map(EventTime.init(microseconds:)), counters: counters)
    }

    static func write(
        _ tasks: [TaskAdvance], _ columns: [SeriesColumn] = [], _ twins: [TwinRow] = [], _ letters: [DeadLetter] = []
    ) -> EpochWrite {
        EpochWrite(tasks: tasks, columns: columns, twins: twins, deadLetters: letters)
    }

    static func key(_ thing: String, _ path: String) throws -> SeriesKey {
        SeriesKey(thing: try ThingID(validating: thing), path: path)
    }

    static func numbers(_ key: SeriesKey, _ samples: [(Int64, Double)]) -> SeriesColumn {
        let column = SeriesColumn(series: key, kind: .number)
        for (time, number) in samples { column.append(time: time, number: number) }
        column.seal()
        return column
    }

    static func twin(
        _ thing: String, revision: Int64 = 1, document: String? = #"{"a":1}"#, definition: String? = nil,
        home: TaskID = task()
    ) throws -> TwinRow {
        TwinRow(
            snapshot: TwinSnapshot(
                thing: try ThingID(validating: thing), revision: revision, timestamp: "2026-01-01T00:00:00Z",
                document: document.map { Array($0.utf8) }, definition: definition,
                created: EventTime(microseconds: start), modified: EventTime(microseconds: start + 1)),
            home: home, position: InputPosition(topic: "twins", partition: home.partition, offset: 9))
    }

    static func letter(offset: Int64, message: String = "not JSON", value: [UInt8]? = [0, 1, 255]) -> DeadLetter {
        let record = RawRecord(
            topic: 0, partition: 0, offset: offset, timestamp: EventTime(microseconds: start), key: nil, value: nil)
        var letter = DeadLetter(
            stage: stage, topicName: "twins", record: record,
            headers: [.init(name: "a\"\u{0}", value: [0, 159]), .init(name: "b", value: nil)], code: "json",
            message: message, thing: nil, processor: nil)
        letter.key = [0x6B, 0]
        letter.value = value
        return letter
    }
}
