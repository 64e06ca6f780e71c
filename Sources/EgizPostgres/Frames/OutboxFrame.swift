import EgizCore
import EgizTwin

/// The records of an outbox as the table `outbox` holds them: topics once, one frame for all.
enum OutboxFrame {
    /// The version of the binary form within the frame.
    private static let version: UInt8 = 1

    static func encode(_ records: [OutputRecord]) -> [UInt8] {
        var topics: [String] = []
        var body = StateWriter()
        body.write(count: records.count)
        var last = -1
        for record in records {
            if last < 0 || !UTF8Text.equal(topics[last], record.topic) { last = index(of: record.topic, &topics) }
            body.write(count: last)
            write(record.key, &body)
            write(record.value, &body)
            body.write(count: record.headers.count)
            for header in record.headers {
                body.write(header.name)
                write(header.value, &body)
            }
            body.write(record.id)
            body.write(record.time)
        }
        var all = StateWriter()
        all.write(count: topics.count)
        for topic in topics { all.write(topic) }
        return Frame.encode(all.bytes + body.bytes, tag: version)
    }

    /// Errors: `.state`/`.stop` with task and epoch.
    static func decode(_ frame: [UInt8], task: TaskID, epoch: Int64) throws(EngineError) -> [OutputRecord] {
        do throws(StateFault) {
            let (tag, bytes) = try Frame.decode(frame)
            guard tag == version else { throw StateFault("has version \(tag), expected \(version)") }
            return try records(bytes)
        } catch {
            throw EngineError(
                .state, .stop,
                "the outbox of task \(task), epoch \(epoch), \(error.message); restore egiz.outbox from a backup, or delete the row and lose what this epoch emitted"
            )
        }
    }

    private static func records(_ bytes: [UInt8]) throws(StateFault) -> [OutputRecord] {
        var reader = StateReader(bytes)
        var topics: [String] = []
        for _ in 0..<(try reader.count()) { topics.append(try reader.text()) }
        var records: [OutputRecord] = []
        for _ in 0..<(try reader.count()) {
            // Not `count`: an index may be larger than the bytes that are left.
            let topic = try index(&reader)
            guard topics.indices.contains(topic) else { throw StateFault("names topic \(topic) of \(topics.count)") }
            let key = try optional(&reader)
            let value = try optional(&reader)
            var headers: [DeadLetter.Header] = []
            for _ in 0..<(try reader.count()) {
                headers.append(.init(name: try reader.text(), value: try optional(&reader)))
            }
            records.append(
                OutputRecord(
                    topic: topics[topic], key: key, value: value, headers: headers, id: try reader.text(),
                    time: try reader.int64()))
        }
        guard reader.isAtEnd else { throw StateFault("goes on after its last record") }
        return records
    }

    private static func index(of topic: String, _ topics: inout [String]) -> Int {
        if let known = topics.firstIndex(where: { UTF8Text.equal($0, topic) }) { return known }
        topics.append(topic)
        return topics.count - 1
    }

    private static func write(_ data: [UInt8]?, _ writer: inout StateWriter) {
        writer.write(data != nil)
        if let data { writer.write(data) }
    }

    private static func optional(_ reader: inout StateReader) throws(StateFault) -> [UInt8]? {
        try reader.bool() ? Array(try reader.data()) : nil
    }

    private static func index(_ reader: inout StateReader) throws(StateFault) -> Int {
        var value = 0
        var shift = 0
        while true {
            let next = try reader.byte()
            guard shift < 35 else { throw StateFault("has an index that is too large") }
            value |= Int(next & 0x7F) << shift
            if next & 0x80 == 0 { return value }
            shift += 7
        }
    }
}
