import CRdkafka
import EgizCore
import EgizRuntime

extension OutputSession {
    /// The topics of the batch exist afterwards: each is looked for once, and created where it is missing.
    ///
    /// Errors: `.kafka`/`.backoff` where one does not exist and cannot be created now, `.stop` for a name that is none.
    func ensureTopics(of records: [OutputRecord], deadline: ContinuousClock.Instant) throws(EngineError) {
        var missing: [String] = []
        for record in records where !knownTopics.contains(record.topic) && !missing.contains(record.topic) {
            missing.append(record.topic)
        }
        if missing.isEmpty { return }
        do throws(EngineError) {
            let left = deadline - ContinuousClock.now
            _ = try KafkaTopics(through: client).ensure(
                missing.map { .init(name: $0, partitions: nil) }, timeout: min(left, .seconds(30)))
        } catch {
            if error.detail == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION.name { throw error }
            throw EngineError(
                .kafka, .backoff, "records wait for the topics \(missing.joined(separator: ", ")): \(error.message)",
                detail: error.detail)
        }
        knownTopics.formUnion(missing)
    }

    /// librdkafka's handle of a topic, kept until the session ends.
    func topic(_ name: String) throws(EngineError) -> OpaquePointer {
        if let topic = topics[name] { return topic }
        guard let topic = rd_kafka_topic_new(client.raw, name, nil) else {
            throw EngineError.kafka(rd_kafka_last_error(), "the topic \(name) cannot be written")
        }
        topics[name] = topic
        return topic
    }
}
