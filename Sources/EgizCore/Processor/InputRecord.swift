public import EgizTwin

/// A record for a `RecordProcessor`.
public struct InputRecord {
    /// Null where the processor reads bytes.
    public let value: JSONValue
    /// The value as it came, nil for a tombstone; only where the processor reads bytes.
    public let bytes: [UInt8]?
    /// Only where the processor reads bytes.
    public let headers: [DeadLetter.Header]
    public let key: [UInt8]?
    /// Of the record in the log; 0 where the log has none.
    public let time: EventTime
    public let position: InputPosition
    /// The task that reads it, for the keys of rows.
    public let home: TaskID
    /// Stream time of the task, this record included; nil where no record had a time yet.
    public let streamTime: EventTime?
    /// The identity of the database, which our dead letters carry in `egiz-db`.
    public let database: String
    /// The record is a dead letter of the stage that is tried again: how often it was tried before.
    public let attempt: Int?

    public init(
        value: JSONValue, key: [UInt8]?, time: EventTime, position: InputPosition, home: TaskID,
        bytes: [UInt8]? = nil, headers: [DeadLetter.Header] = [], streamTime: EventTime? = nil, database: String = "",
        attempt: Int? = nil
    ) {
        (self.value, self.key, self.time, self.position, self.home) = (value, key, time, position, home)
        (self.bytes, self.headers, self.streamTime) = (bytes, headers, streamTime)
        (self.database, self.attempt) = (database, attempt)
    }

    /// The text of the last header of that name: whoever handed the record on wrote behind the others.
    public func header(_ name: String) -> String? {
        headers.last { $0.name.utf8.elementsEqual(name.utf8) }?.value.map { String(decoding: $0, as: UTF8.self) }
    }
}
