import CRdkafka
import EgizCore
import Synchronization

/// Counts what became of produced records. Thread-safe: reports arrive on whichever thread polls.
final class DeliveryLedger: DeliveryReceiver, Sendable {
    private struct State {
        var delivered: Int64 = 0
        var failed: Int64 = 0
        var firstFailure: EngineError?
    }

    private let state = Mutex(State())
    private let onFailure: (@Sendable (EngineError) -> Void)?

    init(onFailure: (@Sendable (EngineError) -> Void)?) { self.onFailure = onFailure }

    var counts: (delivered: Int64, failed: Int64, firstFailure: EngineError?) {
        state.withLock { ($0.delivered, $0.failed, $0.firstFailure) }
    }

    func receive(_ message: rd_kafka_message_t) {
        guard message.err != RD_KAFKA_RESP_ERR_NO_ERROR else {
            state.withLock { $0.delivered += 1 }
            return
        }
        let topic = message.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? "?"
        let error = EngineError.kafka(message.err, "a record for \(topic)[\(message.partition)] was not delivered")
        state.withLock { state in
            state.failed += 1
            if state.firstFailure == nil { state.firstFailure = error }
        }
        onFailure?(error)
    }
}
