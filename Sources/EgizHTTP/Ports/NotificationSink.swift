/// Where notifications go: Kafka. Called from one thread at a time.
public protocol NotificationSink: Sendable {
    /// Makes the topic where there is none: who reads it finds it then, and not some seconds after the first record. Blocks.
    func prepare(_ topic: String) throws

    /// Publishes records to a topic, in order, and returns when the broker has all of them. Blocks.
    ///
    /// Errors: `EngineError`; some of the records may be in the log then, and all of them are given again.
    func publish(_ records: [(key: String, value: [UInt8])], to topic: String) throws
}
