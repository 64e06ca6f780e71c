public import EgizTwin

/// A record as a caller keeps it until it is done: copied, because its batch is long gone by then.
public struct CallRecord: Sendable {
    /// Index of the topic in the stage's list of topics.
    public var topic: Int
    public var topicName: String
    public var partition: Int32
    public var offset: Int64
    /// Of the record in the log; 0 where the log has none.
    public var time: EventTime
    public var key: [UInt8]?
    /// Nil is a tombstone.
    public var value: [UInt8]?
    public var headers: [DeadLetter.Header]

    public init(_ record: RawRecord, topicName: String, headers: [DeadLetter.Header]) {
        topic = record.topic
        self.topicName = topicName
        partition = record.partition
        offset = record.offset
        time = record.timestamp
        key = record.key.map { [UInt8]($0) }
        value = record.value.map { [UInt8]($0) }
        self.headers = headers
    }

    public var position: InputPosition { InputPosition(topic: topicName, partition: partition, offset: offset) }

    /// The text of the last header of that name.
    public func header(_ name: String) -> String? {
        headers.last { $0.name.utf8.elementsEqual(name.utf8) }?.value.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The header that holds what a record was called when it became a dead letter, and that of one which is tried again.
    public static let originHeader = "egiz-origin-id"
    public static let retryHeader = "egiz-retry"

    /// What identifies the record towards others, stable over retries, also over one of its dead letter: its `egiz-id`, or else its
    /// place in the log.
    public var id: String {
        header(Self.originHeader) ?? header("egiz-id") ?? Self.id(topic: topicName, partition, offset)
    }

    static func id(topic: String, _ partition: Int32, _ offset: Int64) -> String { "\(topic)/\(partition)/\(offset)" }

    /// A dead letter that is tried again.
    public var isRetry: Bool { headers.contains { $0.name.utf8.elementsEqual(Self.retryHeader.utf8) } }

    /// What it counts against budgets, in bytes.
    public var size: Int {
        headers.reduce(128 + (key?.count ?? 0) + (value?.count ?? 0)) {
            $0 + $1.name.utf8.count + ($1.value?.count ?? 0) + 16
        }
    }

    /// Calls `body` with the record as the log hands it out; the pointers hold for the call.
    public func withRaw<R>(_ body: (RawRecord) -> R) -> R {
        func with(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> R) -> R {
            guard let bytes else { return body(nil) }
            return bytes.withUnsafeBytes { body($0) }
        }
        return with(key) { key in
            with(value) { value in
                body(
                    RawRecord(
                        topic: topic, partition: partition, offset: offset, timestamp: time, key: key, value: value))
            }
        }
    }
}

/// What a caller makes of a record when it comes.
public enum CallIntake: Sendable {
    case call(CallQuestion)
    /// Nothing is to be asked: it is done at once.
    case skip
    /// It can never be asked: a dead letter.
    case refused(CallFault, ThingID?)
}

/// What is to be asked about a record.
public struct CallQuestion: Sendable {
    /// For dead letters; nil where the record is about none.
    public var thing: ThingID?
    /// What the caller needs of the record to build its request.
    public var payload: JSONValue
    /// What it adds to the body of a call, in bytes.
    public var size: Int

    public init(thing: ThingID?, payload: JSONValue, size: Int) {
        (self.thing, self.payload, self.size) = (thing, payload, size)
    }
}

/// A record under way.
public struct CallItem: Sendable {
    /// Rises with every record that the thread takes in.
    public var number: Int64
    public var record: CallRecord
    public var question: CallQuestion

    public init(number: Int64, record: CallRecord, question: CallQuestion) {
        (self.number, self.record, self.question) = (number, record, question)
    }
}
