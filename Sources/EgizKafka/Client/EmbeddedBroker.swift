import CRdkafka
public import EgizCore
public import Logging
import Synchronization

/// A Kafka broker inside this process: librdkafka's mock cluster, which speaks the real protocol on 127.0.0.1.
///
/// For a first run, tests and demonstrations. Its limits, which are the library's:
/// - the log lives in memory and goes with the process; about 5 MiB a partition are kept, then the oldest records go,
///   so producers that run ahead of a reader lose them (the reader reports a gap);
/// - topics must be known before clients connect: there is no CreateTopics, and a question for an unknown topic makes one with
///   4 partitions;
/// - transactions are accepted but isolate nothing and fence nobody; no static members, no offsets by time, no retention by time;
/// - a rebalance takes up to the session timeout;
/// - a fetch that finds nothing sleeps its whole `fetch.wait.max.ms` (consumers of ours use 10 ms on loopback).
///
/// Its cluster id is a heap address and can repeat, so a topic `__egiz_log_<uuid>` is the identity of its log.
/// Safe from any thread.
public final class EmbeddedBroker: Sendable {
    /// The start of the name of the topic that identifies an embedded log.
    public static let identityTopicPrefix = "__egiz_log_"
    /// Where clients expect Kafka.
    public static let preferredPort: UInt16 = 9092

    /// The address for `bootstrap.servers`.
    public let bootstrap: String
    /// Why `bootstrap` is not at the port that was asked for; nil where it is.
    public let portNotice: String?
    /// The uuid in the name of the identity topic.
    public let logID: String

    /// C pointers of the running cluster; unchecked because librdkafka locks them itself.
    private struct Cluster: @unchecked Sendable {
        let mock: OpaquePointer
        let host: KafkaClient
        let forwarder: BootstrapForwarder?
    }

    private let cluster: Mutex<Cluster?>

    /// Starts a broker with these topics. It answers at 127.0.0.1:`port` where that is free, else at a port that the system
    /// chooses, and `portNotice` says so; with `port` nil only there.
    ///
    /// Errors: `.config`/`.stop` for a topic that cannot be made, `.kafka`/`.stop` where the library has no mock cluster.
    public init(
        topics: [(name: String, partitions: Int32)], port: UInt16? = EmbeddedBroker.preferredPort, log: Logger
    ) throws(EngineError) {
        var hostLog = log
        hostLog[metadataKey: "kafka.role"] = "embedded broker"
        let host = try KafkaClient(
            .producer, properties: ["client.id": "egiz-embedded-broker", "log.connection.close": "false"], log: hostLog)
        guard let mock = rd_kafka_mock_cluster_new(host.raw, 1) else {
            throw EngineError(
                .kafka, .stop,
                "librdkafka \(KafkaVersion.text) starts no embedded broker; set EGIZ_KAFKA_BROKERS to a real one")
        }
        let logID = Self.randomUUID()
        var forwarder: BootstrapForwarder?
        do throws(EngineError) {
            for (name, partitions) in topics + [(name: Self.identityTopicPrefix + logID, partitions: 1)] {
                try Self.create(name, partitions: partitions, in: mock)
            }
            let direct = rd_kafka_mock_cluster_bootstraps(mock).map { String(cString: $0) } ?? ""
            guard let ownPort = direct.split(separator: ":").last.flatMap({ UInt16($0) }) else {
                throw EngineError(.kafka, .stop, "the embedded broker names no address (\"\(direct)\"); report this")
            }
            (forwarder, portNotice) = Self.forward(port: port, to: ownPort, log: hostLog)
            bootstrap = "127.0.0.1:\(forwarder?.port ?? ownPort)"
        } catch {
            rd_kafka_mock_cluster_destroy(mock)
            throw error
        }
        self.logID = logID
        cluster = Mutex(Cluster(mock: mock, host: host, forwarder: forwarder))
    }

    deinit { stop() }

    /// Ends the broker; its log is gone. Blocks until its threads have ended. Idempotent.
    public func stop() {
        let running = cluster.withLock { cluster -> Cluster? in
            defer { cluster = nil }
            return cluster
        }
        guard let running else { return }
        running.forwarder?.stop()
        rd_kafka_mock_cluster_destroy(running.mock)
    }

    /// Makes another topic while the broker runs. Errors: `.config`/`.stop`.
    public func createTopic(_ name: String, partitions: Int32) throws(EngineError) {
        try cluster.withLock { cluster throws(EngineError) in
            guard let cluster else { throw EngineError(.kafka, .stop, "the embedded broker is stopped") }
            try Self.create(name, partitions: partitions, in: cluster.mock)
        }
    }

    /// Lends the running mock cluster; nothing happens where it is stopped.
    func withMock(_ body: (OpaquePointer) -> Void) {
        cluster.withLock { if let cluster = $0 { body(cluster.mock) } }
    }

    private static func create(_ name: String, partitions: Int32, in mock: OpaquePointer) throws(EngineError) {
        let isNameValid =
            !name.isEmpty && name.utf8.count <= 249 && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        guard isNameValid, (1...10_000).contains(partitions) else {
            throw EngineError(
                .config, .stop,
                "the embedded broker cannot make the topic \"\(name)\" with \(partitions) partitions; "
                    + "a name has letters, digits, `.`, `_` and `-`, and there are 1 to 10000 partitions")
        }
        let code = rd_kafka_mock_topic_create(mock, name, partitions, 1)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EngineError(
                .config, .stop,
                "the embedded broker cannot make the topic \"\(name)\": \(code.text); is it named twice?",
                detail: code.name)
        }
    }

    private static func forward(
        port: UInt16?, to target: UInt16, log: Logger
    ) -> (forwarder: BootstrapForwarder?, notice: String?) {
        guard let port else { return (nil, nil) }
        do throws(EngineError) {
            return (try BootstrapForwarder(port: port, target: target, log: log), nil)
        } catch {
            let notice = "\(error.message); the embedded broker answers at 127.0.0.1:\(target) instead"
            log.warning("the embedded broker has another port", metadata: ["reason": "\(notice)"])
            return (nil, notice)
        }
    }

    /// A version 4 UUID in lower case.
    private static func randomUUID() -> String {
        var random = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let hex = Array("0123456789abcdef")
        var text = ""
        for (i, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(i) { text.append("-") }
            text.append(hex[Int(byte >> 4)])
            text.append(hex[Int(byte & 15)])
        }
        return text
    }
}
