public import EgizTwin

/// What identifies the last record a task has processed of one topic, so that a log that was recreated under the
/// same name is noticed (rule 15): its time and the CRC-32 of key and value.
public struct RecordMark: Sendable, Hashable {
    public var offset: Int64
    public var timestamp: EventTime
    public var crc: UInt32

    public init(offset: Int64, timestamp: EventTime, crc: UInt32) {
        self.offset = offset
        // Held within what the store keeps exactly, so that a mark read back equals the one from the log.
        self.timestamp = min(max(timestamp, .earliest), .latest)
        self.crc = crc
    }

    public init(of record: RawRecord) {
        var crc = CRC32()
        if let key = record.key { crc.update(key) }
        if let value = record.value { crc.update(value) }
        self.init(offset: record.offset, timestamp: record.timestamp, crc: crc.value)
    }
}
