import CRdkafka
import EgizCore

extension EngineError {
    /// A librdkafka error in the words and classes of the engine. `what` says what was being done, and where.
    static func kafka(
        _ code: rd_kafka_resp_err_t, _ what: String, file: String = #fileID, line: UInt = #line
    ) -> EngineError {
        let retry = code.retry
        let advice = code.advice
        return EngineError(
            .kafka, retry, advice.isEmpty ? "\(what): \(code.text)" : "\(what): \(code.text); \(advice)",
            detail: code.name, file: file, line: line)
    }

    /// The same for an error object, which is destroyed here.
    static func kafka(
        consuming error: OpaquePointer, _ what: String, file: String = #fileID, line: UInt = #line
    ) -> EngineError {
        defer { rd_kafka_error_destroy(error) }
        var result = kafka(rd_kafka_error_code(error), what, file: file, line: line)
        if rd_kafka_error_is_fatal(error) != 0 { result.retry = .stop }
        return result
    }
}

extension rd_kafka_resp_err_t {
    /// librdkafka's name, such as `_TRANSPORT`.
    var name: String { rd_kafka_err2name(self).map { String(cString: $0) } ?? "\(rawValue)" }
    var text: String { rd_kafka_err2str(self).map { String(cString: $0) } ?? "error \(rawValue)" }

    /// Whether trying again can help. What is unknown is taken for a passing trouble: waiting loses nothing.
    var retry: EngineError.Retry {
        switch self {
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR__FATAL,
            RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED,
            RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
            RD_KAFKA_RESP_ERR_INVALID_GROUP_ID, RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT,
            RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR_SECURITY_DISABLED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
            .stop
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_MSG,
            RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
            RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_INVALID_RECORD,
            RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
            .never
        default:
            .backoff
        }
    }

    /// What a person can do; empty where waiting is all.
    fileprivate var advice: String {
        switch self {
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
            "check security.protocol, sasl.mechanism, sasl.username and sasl.password under `kafka:`"
        case RD_KAFKA_RESP_ERR__SSL:
            "check security.protocol and ssl.ca.location under `kafka:`"
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
            "grant this user READ (or WRITE) on the topic"
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
            "grant this user READ on the group"
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            "create the topic, or declare its partitions in the topology so that it is created"
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR__TIMED_OUT:
            "check that Kafka runs and that EGIZ_KAFKA_BROKERS names it"
        case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
            "another member of the group uses another partition.assignment.strategy"
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
            "raise message.max.bytes, or make the record smaller"
        default: ""
        }
    }
}

extension String {
    /// The text up to the first NUL of a C buffer.
    init(cBuffer: [CChar]) {
        self.init(decoding: cBuffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
