@testable import ZonesunMachine

/// Keeps every record.
struct MemorySink: EventSink {
    struct Record: Equatable {
        let format: MessageFormat
        let key: [UInt8]
        let value: [UInt8]
        let time: Int64

        var text: String { String(decoding: value, as: UTF8.self) }
    }

    var records: [Record] = []

    mutating func send(_ format: MessageFormat, key: [UInt8], value: [UInt8], time: Int64) throws {
        records.append(Record(format: format, key: key, value: value, time: time))
    }
}
