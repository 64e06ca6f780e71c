public import EgizTwin

/// One record of the log as it lies in the client's buffer; valid only while its batch is alive.
///
/// Borrow it, decode it, drop it: a pointer that is kept pins a whole fetch response.
public struct RawRecord {
    /// Index of the topic in the stage's list of topics.
    public var topic: Int
    public var partition: Int32
    public var offset: Int64
    /// The broker's or producer's timestamp of the record, in microseconds since 1970; 0 where the log has none.
    public var timestamp: EventTime
    public var key: UnsafeRawBufferPointer?
    /// `nil` is a tombstone; an empty value is a buffer of no bytes.
    public var value: UnsafeRawBufferPointer?

    public init(
        topic: Int, partition: Int32, offset: Int64, timestamp: EventTime,
        key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
    }
}
