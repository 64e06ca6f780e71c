/// A record that an epoch emits to Kafka.
public struct OutputRecord: Sendable, Equatable {
    public var topic: String
    public var key: [UInt8]?
    /// Nil is a tombstone.
    public var value: [UInt8]?
    /// Without `egiz-id`, which is `id`.
    public var headers: [DeadLetter.Header]
    /// The value of the header `egiz-id` (rule 11): unique, so that readers of at-least-once logs can drop repeats.
    public var id: String
    /// Milliseconds since 1970 is what Kafka keeps of it; event time of the record or tick that caused it, in microseconds.
    public var time: Int64

    public init(
        topic: String, key: [UInt8]?, value: [UInt8]?, headers: [DeadLetter.Header], id: String, time: Int64
    ) {
        self.topic = topic
        self.key = key
        self.value = value
        self.headers = headers
        self.id = id
        self.time = time
    }

    /// What it counts against budgets.
    public var size: Int {
        var size = 64 + topic.utf8.count + id.utf8.count + (key?.count ?? 0) + (value?.count ?? 0)
        for header in headers { size += header.name.utf8.count + (header.value?.count ?? 0) + 8 }
        return size
    }
}
