public import EgizTwin

/// A record that could not be processed, whole, with why. (stage, topic, partition, offset) is its key.
public struct DeadLetter: Sendable {
    public struct Header: Sendable, Equatable {
        public var name: String
        public var value: [UInt8]?

        public init(name: String, value: [UInt8]?) {
            self.name = name
            self.value = value
        }
    }

    /// What the record does to others of its key.
    public enum Disposition: String, Sendable {
        /// It stands aside alone; later records of its thing go on.
        case dead
        /// Its thing is parked: later records of the thing queue behind it, in order (contract 6).
        case parked
    }

    public var stage: StageName
    public var position: InputPosition
    public var disposition = Disposition.dead
    /// How often it was tried; 0 for a record that only queues behind another.
    public var attempts = 1
    /// When, in stream time, it is tried again by itself; nil: never.
    public var retryAt: EventTime?
    public var recordTime: EventTime
    public var key: [UInt8]?
    public var value: [UInt8]?
    public var headers: [Header]
    /// A stable word: `json`, `envelope`, `topic`, `thing-id`, `path`, `revision`, `timestamp`, `value`, `identity`,
    /// `merge`, `time`, `partition`, `owner`, or a processor's own.
    public var code: String
    public var message: String
    public var thing: ThingID?
    /// The processor that refused the record; nil where it could not be decoded.
    public var processor: String?

    public init(
        stage: StageName, topicName: String, record: RawRecord, headers: [Header], code: String, message: String,
        thing: ThingID?, processor: String?
    ) {
        self.stage = stage
        self.position = InputPosition(topic: topicName, partition: record.partition, offset: record.offset)
        self.recordTime = record.timestamp
        self.key = record.key.map { [UInt8]($0) }
        self.value = record.value.map { [UInt8]($0) }
        self.headers = headers
        self.code = code
        self.message = message
        self.thing = thing
        self.processor = processor
    }
}
