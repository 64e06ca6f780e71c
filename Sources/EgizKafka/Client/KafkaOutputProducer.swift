import EgizCore
import EgizRuntime
import Synchronization

/// Publishes outboxes through librdkafka, in transactions or idempotently.
///
/// `initialize` and `publish` belong to one thread; `close` may come from another and ends a `publish` that waits: at once
/// where it waits for records, within its deadline where it waits for the coordinator.
final class KafkaOutputProducer: OutputProducer {
    private let session: Mutex<OutputSession?>

    init(session: OutputSession) { self.session = Mutex(session) }

    deinit { close() }

    func initialize() throws(EngineError) { try open().initialize() }

    func publish(
        _ records: [OutputRecord], offsets: [TopicPartition: GroupOffset], as membership: any GroupMembership
    ) throws(EngineError) -> PublishOutcome {
        let session = try open()
        guard let membership = membership as? KafkaGroupMembership else {
            throw EngineError(.bug, .stop, "a membership that is not of Kafka was used to publish")
        }
        return try session.publish(records, offsets: offsets, as: membership)
    }

    func close() {
        let session = session.withLock { session -> OutputSession? in
            defer { session = nil }
            return session
        }
        session?.stop()
    }

    private func open() throws(EngineError) -> OutputSession {
        guard let session = session.withLock({ $0 }) else {
            throw EngineError(.kafka, .stop, "the output producer was used after close()")
        }
        return session
    }
}
