import EgizCore
import EgizKafka
import EgizTwin
import Foundation
import Logging
import ZonesunMachine

/// Pushes records with our idempotent producer; the event time becomes Kafka's timestamp.
struct KafkaSink: EventSink {
    /// What became of the records.
    struct Report {
        var delivered: Int64
        var failed: Int64
        var pending: Int
        var firstFailure: EngineError?

        var isComplete: Bool { failed == 0 && pending == 0 }

        var text: String {
            var text = "\(delivered) delivered"
            if failed > 0 { text += ", \(failed) failed" }
            if pending > 0 { text += ", \(pending) given up" }
            if let firstFailure { text += " (first failure: \(firstFailure))" }
            return text
        }
    }

    private let producer: KafkaProducer
    private let topicDitto: String
    private let topicTelemetry: String
    private let key: [UInt8]?
    private let brokers: String
    private let stop: StopSignal
    private var isWaiting = false

    /// `properties` are `name=value`; `key` takes the place of the machines' own. Errors: `.config` for a property that librdkafka refuses.
    init(
        brokers: String, properties: [String], topicDitto: String, topicTelemetry: String, key: String?,
        stop: StopSignal
    ) throws {
        var log = Logger(label: "zonesun-simulator") { StreamLogHandler.standardError(label: $0) }
        log.logLevel = .warning
        // No record is given up while Kafka is away: the queue fills, and the machines wait.
        var own = ["client.id": "zonesun-simulator", "message.timeout.ms": "0"]
        for entry in properties {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            own[String(parts[0])] = String(parts[1])
        }
        producer = try KafkaProducer(brokers: brokers, properties: own, log: log)
        self.key = key.map { Array($0.utf8) }
        (self.topicDitto, self.topicTelemetry, self.brokers, self.stop) = (topicDitto, topicTelemetry, brokers, stop)
    }

    mutating func send(_ format: MessageFormat, key: [UInt8], value: [UInt8], time: Int64) throws {
        let topic = format == .ditto ? topicDitto : topicTelemetry
        while try !queue(topic, self.key ?? key, value, EventTime(microseconds: time)) {
            if stop.isRequested { throw Stopped() }
            if !isWaiting { sayThatWeWait() }
            isWaiting = true
        }
        isWaiting = false
    }

    /// False where the queue stayed full: Kafka is away, or slower than the machines.
    private func queue(_ topic: String, _ key: [UInt8], _ value: [UInt8], _ time: EventTime) throws(EngineError) -> Bool
    {
        do {
            try producer.send(topic: topic, key: key, value: value, timestamp: time, timeout: .milliseconds(250))
            return true
        } catch {
            guard error.retry == .backoff else { throw error }
            return false
        }
    }

    private func sayThatWeWait() {
        let line = "waiting for Kafka at \(brokers); check that it runs, or name another with --brokers\n"
        FileHandle.standardError.write(Data(line.utf8))
    }

    /// Delivers what is queued, for at most `timeout`, and closes the producer.
    func close(timeout: Duration) -> Report {
        producer.flush(timeout: timeout)
        let pending = producer.pending
        let deliveries = producer.deliveries
        producer.close(timeout: .zero)
        return Report(
            delivered: deliveries.delivered, failed: deliveries.failed, pending: pending,
            firstFailure: deliveries.firstFailure)
    }
}
