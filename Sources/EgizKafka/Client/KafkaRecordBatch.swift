import CRdkafka
import EgizCore
import EgizRuntime
import EgizTwin

/// The messages of one poll. Frees each of them once, in deinit, and keeps the client alive until then.
///
/// Confined to the stream thread; the pointers in its records die with it.
final class KafkaRecordBatch: RecordBatch {
    typealias Message = UnsafeMutablePointer<rd_kafka_message_t>

    let count: Int
    private let messages: UnsafeMutablePointer<Message>
    private let client: KafkaClient
    private let topics: [String]
    /// Topic handles met so far and their index; safe by pointer because the messages keep the handles alive.
    private var known: [(handle: OpaquePointer, index: Int)] = []
    /// The one of the last record.
    private var lastHandle: OpaquePointer?
    private var lastIndex = 0

    /// Takes the messages over from `gathered`.
    init(taking gathered: UnsafeBufferPointer<Message>, topics: [String], client: KafkaClient) {
        count = gathered.count
        messages = .allocate(capacity: max(gathered.count, 1))
        if let base = gathered.baseAddress { messages.initialize(from: base, count: gathered.count) }
        self.topics = topics
        self.client = client
    }

    deinit {
        for i in 0..<count { rd_kafka_message_destroy(messages[i]) }
        messages.deallocate()
    }

    func record(at index: Int) -> RawRecord {
        precondition(index >= 0 && index < count, "no record \(index) in a batch of \(count)")
        return Self.record(messages[index], topic: topicIndex(messages[index].pointee.rkt))
    }

    func headers(at index: Int) -> [DeadLetter.Header] {
        precondition(index >= 0 && index < count, "no record \(index) in a batch of \(count)")
        return Self.headers(messages[index])
    }

    @inline(__always)
    private func topicIndex(_ handle: OpaquePointer) -> Int {
        if handle == lastHandle { return lastIndex }
        lastIndex = otherTopicIndex(handle)
        lastHandle = handle
        return lastIndex
    }

    private func otherTopicIndex(_ handle: OpaquePointer) -> Int {
        if let entry = known.first(where: { $0.handle == handle }) { return entry.index }
        let name = rd_kafka_topic_name(handle).map { String(cString: $0) } ?? ""
        guard let index = topics.firstIndex(of: name) else {
            preconditionFailure("a record of \(name), which this consumer does not read")
        }
        known.append((handle, index))
        return index
    }
}

extension KafkaRecordBatch {
    /// The message as a record; its pointers live as long as the message.
    static func record(_ message: Message, topic: Int) -> RawRecord {
        let m = message.pointee
        return RawRecord(
            topic: topic, partition: m.partition, offset: m.offset, timestamp: time(of: message),
            key: m.key.map { UnsafeRawBufferPointer(start: $0, count: m.key_len) },
            value: m.payload.map { UnsafeRawBufferPointer(start: $0, count: m.len) })
    }

    /// Milliseconds to microseconds; no timestamp is 0, and what does not fit stays at the end of the range.
    private static func time(of message: Message) -> EventTime {
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let milliseconds = rd_kafka_message_timestamp(message, &kind)
        if kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE { return EventTime(microseconds: 0) }
        let (microseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        return EventTime(microseconds: overflow ? (milliseconds < 0 ? .min : .max) : microseconds)
    }

    static func headers(_ message: Message) -> [DeadLetter.Header] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        var headers: [DeadLetter.Header] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            headers.append(
                DeadLetter.Header(
                    name: name.map { String(cString: $0) } ?? "",
                    value: value.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: size)) }))
        }
        return headers
    }
}
