import CRdkafka
import EgizCore
import Logging
import Synchronization

/// What librdkafka says outside of its calls: log lines (from its own threads) and client errors (inside poll).
///
/// Thread-safe; one for each handle, reached through its `CallbackContext`.
final class ClientEvents: Sendable {
    private struct State {
        var gates: [String: RateGate] = [:]
        var clientErrors: [EngineError] = []
    }

    /// librdkafka repeats these for each broker and each attempt while a broker is away.
    private static let noisy: Set<String> = ["FAIL", "ERROR", "REQTMOUT", "CLUSTERID", "GETPID"]
    /// What librdkafka says about its embedded broker and about settings meant for the other kind of client.
    private static let idle: Set<String> = ["AUTOCREATE", "CONFWARN"]
    private static let noiseInterval = Duration.seconds(30)

    private let log: Logger
    private let state = Mutex(State())
    private let clusterChanges = Atomic<Int>(0)
    private let brokenConnections = Atomic<Int>(0)

    init(log: Logger) { self.log = log }

    /// Rises when a broker reports another cluster id than the one before: the log behind the address is another one.
    var clusterGeneration: Int { clusterChanges.load(ordering: .acquiring) }

    /// Rises with every connection that breaks or cannot be made. Told inside poll, in order with the records.
    var disconnects: Int { brokenConnections.load(ordering: .relaxed) }

    /// The client errors since the last call, worst first: what no retry mends, then the rest.
    func takeError() -> EngineError? {
        state.withLock { state in
            defer { state.clientErrors.removeAll() }
            return state.clientErrors.first { $0.retry == .stop } ?? state.clientErrors.first
        }
    }

    func receiveLog(level: Int32, facility: String, text: String) {
        // The first id is a debug line of the same name.
        if facility == "CLUSTERID", level <= 4 { clusterChanges.wrappingAdd(1, ordering: .acquiringAndReleasing) }
        var suppressed = 0
        if Self.noisy.contains(facility) {
            let pass = state.withLock {
                $0.gates[facility, default: RateGate(interval: Self.noiseInterval)].pass(at: .now)
            }
            guard let pass else { return }
            suppressed = pass
        }
        var metadata: Logger.Metadata = ["kafka.facility": "\(facility)", "kafka.text": "\(text)"]
        if suppressed > 0 { metadata["kafka.suppressed"] = "\(suppressed)" }
        log.log(level: Self.level(ofSyslog: level, facility: facility), "librdkafka", metadata: metadata)
    }

    func receiveError(_ code: rd_kafka_resp_err_t, _ reason: String, handle: OpaquePointer) {
        if code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
            brokenConnections.wrappingAdd(1, ordering: .relaxed)
        }
        let error: EngineError
        if code == RD_KAFKA_RESP_ERR__FATAL {
            var text = [CChar](repeating: 0, count: 512)
            let cause = rd_kafka_fatal_error(handle, &text, text.count)
            error = EngineError(
                .kafka, .stop, "the Kafka client cannot go on: \(String(cBuffer: text)); restart the worker",
                detail: cause.name)
        } else {
            error = EngineError.kafka(code, "the Kafka client reports: \(reason)")
        }
        // One broker of several being away is no news for the caller: the client goes on with the others.
        if error.retry == .backoff, code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
            log.debug("kafka client event", metadata: ["kafka.text": "\(reason)", "kafka.error": "\(code.name)"])
            return
        }
        state.withLock { state in
            // Bounded: a client nobody polls must not collect for ever.
            if state.clientErrors.count < 16 { state.clientErrors.append(error) }
        }
    }

    private static func level(ofSyslog level: Int32, facility: String) -> Logger.Level {
        if idle.contains(facility) { return .debug }
        switch level {
        // A broker that is away is an error only for whoever needs it now, and poll tells them.
        case ...3 where noisy.contains(facility): return .warning
        case ...2: return .critical
        case 3: return .error
        case 4: return .warning
        case 5: return .notice
        case 6: return .info
        default: return .debug
        }
    }
}
