public import EgizCore
public import EgizRuntime
public import EgizTwin

/// A dead letter as lists show it: everything but what the record holds.
public struct DeadLetterRow: Sendable {
    public var id: Int64
    public var stage: StageName
    public var topic: String
    public var partition: Int32
    public var incarnation: Int32
    public var offset: Int64
    /// Of the record.
    public var recordTime: EventTime
    /// When the letter was written.
    public var notedAt: EventTime
    public var thing: ThingID?
    public var processor: String?
    public var code: String
    public var message: String
    public var disposition: DeadLetter.Disposition
    /// 0: it only queues behind another of its thing.
    public var attempts: Int
    public var editedAt: EventTime?
    public var editedBy: String?
    /// Of the original value; nil for a tombstone.
    public var valueBytes: Int64?
    /// No earlier letter of its thing is parked.
    public var isFirst: Bool
    /// When, in stream time, the owner of the task tries it again by itself; nil: never.
    public var retryAt: EventTime?

    public var task: TaskID { TaskID(stage: stage, partition: partition) }
}

/// A dead letter with its record.
public struct WholeDeadLetter: Sendable {
    public var row: DeadLetterRow
    public var key: [UInt8]?
    /// As it came.
    public var original: [UInt8]?
    /// Counts where `row.editedAt` is set; nil is a tombstone then.
    public var edited: [UInt8]?
    public var headers: [DeadLetter.Header]

    /// What will be processed.
    public var value: [UInt8]? { row.editedAt == nil ? original : edited }

    /// The letter as the engine has it, with the original value.
    public var letter: DeadLetter {
        let record = RawRecord(
            topic: 0, partition: row.partition, offset: row.offset, timestamp: row.recordTime, key: nil, value: nil)
        var letter = DeadLetter(
            stage: row.stage, topicName: row.topic, record: record, headers: headers, code: row.code,
            message: row.message, thing: row.thing, processor: row.processor)
        letter.key = key
        letter.value = original
        letter.disposition = row.disposition
        letter.attempts = row.attempts
        return letter
    }

    /// The letter as its owner redrives it.
    public var stored: StoredDeadLetter {
        var letter = letter
        letter.value = value
        return StoredDeadLetter(id: row.id, letter: letter, incarnation: row.incarnation, isFirst: row.isFirst)
    }
}

/// A thing with parked records, which wait in order.
public struct ParkedThing: Sendable {
    public var thing: String
    public var stage: StageName
    public var partition: Int32
    /// How many records wait, the first one included.
    public var waiting: Int64
    public var since: EventTime
    /// The letter to be tried first.
    public var first: Int64
    /// Why that one failed.
    public var code: String
    public var message: String
}
