import CRdkafka
import EgizCore

extension KafkaTopics {
    /// Creates one topic. False where the broker has no CreateTopics and made the topic by itself instead.
    func create(_ topic: Declaration, timeout: Duration) throws(EngineError) -> Bool {
        let failure = "the topic \(topic.name) cannot be created"
        var errstr = [CChar](repeating: 0, count: 256)
        // −1 partitions and replicas: the broker's defaults.
        guard let new = rd_kafka_NewTopic_new(topic.name, topic.partitions ?? -1, -1, &errstr, errstr.count) else {
            throw EngineError(.config, .stop, "\(failure): \(String(cBuffer: errstr)); correct `topics:`")
        }
        defer { rd_kafka_NewTopic_destroy(new) }
        for (name, value) in topic.config {
            let code = rd_kafka_NewTopic_set_config(new, name, value)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw EngineError.kafka(code, "\(failure) with \(name)") }
        }
        guard let queue = rd_kafka_queue_new(client.raw) else {
            throw EngineError(.kafka, .backoff, "\(failure): no queue")
        }
        defer { rd_kafka_queue_destroy(queue) }
        let milliseconds = max(timeout, .seconds(1)).milliseconds32
        if let options = rd_kafka_AdminOptions_new(client.raw, RD_KAFKA_ADMIN_OP_CREATETOPICS) {
            defer { rd_kafka_AdminOptions_destroy(options) }
            rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, &errstr, errstr.count)
            var topics: [OpaquePointer?] = [new]
            rd_kafka_CreateTopics(client.raw, &topics, 1, options, queue)
        }
        guard let event = rd_kafka_queue_poll(queue, milliseconds) else {
            throw EngineError.kafka(RD_KAFKA_RESP_ERR__TIMED_OUT, failure)
        }
        defer { rd_kafka_event_destroy(event) }
        let (code, text) = Self.outcome(of: event)
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return true
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return true
        case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
            try createByAsking(topic.name)
            return false
        default:
            throw EngineError.kafka(code, text.isEmpty ? failure : "\(failure): \(text)")
        }
    }

    private static func outcome(of event: OpaquePointer) -> (rd_kafka_resp_err_t, String) {
        let whole = rd_kafka_event_error(event)
        if whole != RD_KAFKA_RESP_ERR_NO_ERROR {
            return (whole, rd_kafka_event_error_string(event).map { String(cString: $0) } ?? "")
        }
        var count = 0
        guard let result = rd_kafka_event_CreateTopics_result(event),
            let topics = rd_kafka_CreateTopics_result_topics(result, &count), count > 0, let first = topics[0]
        else { return (RD_KAFKA_RESP_ERR_NO_ERROR, "") }
        return (
            rd_kafka_topic_result_error(first),
            rd_kafka_topic_result_error_string(first).map { String(cString: $0) } ?? ""
        )
    }

    /// A question for a topic's metadata creates it on a broker that creates topics at first use.
    func createByAsking(_ name: String) throws(EngineError) {
        guard let handle = rd_kafka_topic_new(client.raw, name, nil) else {
            throw EngineError.kafka(rd_kafka_last_error(), "the topic \(name) cannot be asked for")
        }
        defer { rd_kafka_topic_destroy(handle) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client.raw, 0, handle, &metadata, KafkaConsumer.requestTimeout.milliseconds32)
        if let metadata { rd_kafka_metadata_destroy(metadata) }
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw EngineError.kafka(code, "the topic \(name) cannot be asked for") }
    }
}
