import EgizCore
import EgizRuntime
import EgizTwin

/// A batch with memory of its own, overwritten when it goes: whoever kept a pointer reads rubbish, as with a real client.
final class MemoryRecordBatch: RecordBatch {
    private let records: [(topic: Int, partition: Int32, record: MemoryLog.Record)]
    private let slab: UnsafeMutableRawBufferPointer
    private var places: [(key: Int?, value: Int?)] = []

    init(_ records: [(topic: Int, partition: Int32, record: MemoryLog.Record)]) {
        self.records = records
        let size = records.reduce(0) { $0 + ($1.record.key?.count ?? 0) + ($1.record.value?.count ?? 0) }
        slab = .allocate(byteCount: size + 64, alignment: 8)
        slab.initializeMemory(as: UInt8.self, repeating: 0)
        var at = 0
        func place(_ bytes: [UInt8]?) -> Int? {
            guard let bytes else { return nil }
            defer { at += bytes.count }
            UnsafeMutableRawBufferPointer(rebasing: slab[at..<(at + bytes.count)]).copyBytes(from: bytes)
            return at
        }
        for entry in records {
            let key = place(entry.record.key)
            places.append((key, place(entry.record.value)))
        }
    }

    deinit {
        slab.initializeMemory(as: UInt8.self, repeating: 0xDD)
        slab.deallocate()
    }

    var count: Int { records.count }

    func record(at index: Int) -> RawRecord {
        let (topic, partition, record) = records[index]
        return RawRecord(
            topic: topic, partition: partition, offset: record.offset, timestamp: record.timestamp,
            key: slice(places[index].key, record.key), value: slice(places[index].value, record.value))
    }

    func headers(at index: Int) -> [DeadLetter.Header] { records[index].record.headers }

    private func slice(_ place: Int?, _ bytes: [UInt8]?) -> UnsafeRawBufferPointer? {
        guard let place, let bytes else { return nil }
        return UnsafeRawBufferPointer(rebasing: slab[place..<(place + bytes.count)])
    }
}
