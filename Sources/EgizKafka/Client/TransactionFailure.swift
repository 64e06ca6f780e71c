import CRdkafka
import EgizCore

/// An error of librdkafka's transactional calls, taken apart: what must be done next is in its flags, not in its code.
struct TransactionFailure {
    enum Consequence {
        /// Call again.
        case retry
        /// Abort; then another transaction may begin.
        case abort
        /// This producer is of no more use.
        case fatal
        /// None of these: the call did not fit the state of the transaction.
        case misplaced
    }

    let code: rd_kafka_resp_err_t
    let text: String
    let consequence: Consequence

    init(consuming error: OpaquePointer, of client: KafkaClient) {
        defer { rd_kafka_error_destroy(error) }
        let isFatal = rd_kafka_error_is_fatal(error) != 0
        // After the first fatal error every call says only that there was one.
        if let cause = client.fatalError {
            self = cause
            return
        }
        code = rd_kafka_error_code(error)
        text = rd_kafka_error_string(error).map { String(cString: $0) } ?? ""
        if isFatal || code == RD_KAFKA_RESP_ERR__FATAL {
            consequence = .fatal
        } else if rd_kafka_error_txn_requires_abort(error) != 0 {
            consequence = .abort
        } else if rd_kafka_error_is_retriable(error) != 0 {
            consequence = .retry
        } else {
            consequence = .misplaced
        }
    }

    init(code: rd_kafka_resp_err_t, text: String, consequence: Consequence) {
        self.code = code
        self.text = text
        self.consequence = consequence
    }

    /// Another producer has our transactional id, or the coordinator ended our transaction because it took too long;
    /// brokers before 2.7, and librdkafka, do not tell these apart.
    var saysFenced: Bool {
        switch code {
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
            true
        default: false
        }
    }

    /// `.stop` where fatal or never to be mended by waiting, else `.backoff`.
    func error(_ what: String) -> EngineError {
        var error = EngineError.kafka(code, what)
        if error.retry == .never { error.retry = .backoff }
        if consequence == .fatal { error.retry = .stop }
        if !text.isEmpty, text != code.text { error.message += " (\(text))" }
        return error
    }
}

extension KafkaClient {
    /// The error after which librdkafka refuses everything; nil where there was none.
    var fatalError: TransactionFailure? {
        var text = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(raw, &text, text.count)
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { return nil }
        return TransactionFailure(code: code, text: String(cBuffer: text), consequence: .fatal)
    }
}

extension rd_kafka_resp_err_t {
    /// The broker missed numbers of the idempotent producer. Nothing was written; the next attempt has an epoch of its own.
    var saysSequenceGap: Bool {
        self == RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER || self == RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID
    }
}
