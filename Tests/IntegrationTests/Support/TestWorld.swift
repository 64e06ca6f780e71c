import EgizCore
import EgizKafka
import EgizPostgres
import EgizRuntime
import Foundation
import Logging

/// A Kafka and a database of one test's own: the embedded broker and a private Postgres, or what `EGIZ_KAFKA_BROKERS` and
/// `EGIZ_DATABASE_URL` name. Topic and topology names get a suffix, so that a shared broker keeps tests apart.
///
/// Unchecked: made and used by one test; the broker and the database are servers and safe from any thread.
final class TestWorld: @unchecked Sendable {
    let suffix: String
    let brokers: String
    let database: String
    let broker: EmbeddedBroker?
    let folder: URL
    let logger: Logger

    static var usesRealKafka: Bool { ProcessInfo.processInfo.environment["EGIZ_KAFKA_BROKERS"]?.isEmpty == false }

    /// - Parameter topics: names without suffix and their partitions.
    init(topics: [(name: String, partitions: Int32)]) throws {
        let suffix = String(UUID().uuidString.lowercased().prefix(8))
        self.suffix = suffix
        var logger = Logger(label: "test")
        logger.logLevel = .warning
        self.logger = logger
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("egiz-test-\(suffix)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let own = topics.map { (name: "\($0.name).\(suffix)", partitions: $0.partitions) }
        if let named = ProcessInfo.processInfo.environment["EGIZ_KAFKA_BROKERS"], !named.isEmpty {
            brokers = named
            broker = nil
            let admin = try KafkaTopics(brokers: named, log: logger)
            _ = try admin.ensure(own.map { .init(name: $0.name, partitions: $0.partitions) })
        } else {
            let broker = try EmbeddedBroker(topics: own, port: nil, log: logger)
            brokers = broker.bootstrap
            self.broker = broker
        }
        database = try TestDatabase.create(suffix)
    }

    deinit {
        broker?.stop()
        try? FileManager.default.removeItem(at: folder)
        TestDatabase.drop(suffix)
    }

    func topic(_ name: String) -> String { "\(name).\(suffix)" }

    /// A topology with one stage: twin-projector and history-writer over one topic.
    func writeTopology(
        topic: String, partitions: Int, format: String = "ditto", commit: String = "50ms", parallelism: Int = 1,
        onGap: String = "fail"
    ) throws -> URL {
        let file = folder.appendingPathComponent("line.yaml")
        try """
        apiVersion: egiz/v1
        kind: Topology
        metadata: { name: line-\(suffix) }
        spec:
          parallelism: \(parallelism)
          commit: { interval: \(commit) }
          sources:
            events:
              topics: [{ name: \(self.topic(topic)), partitions: \(partitions) }]
              format: \(format)
              onGap: \(onGap)
          processors:
            twins: { kind: twin-projector, from: events }
            history: { kind: history-writer, from: twins, include: ["/**"] }
        """.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    var environment: [String: String] {
        [
            "EGIZ_KAFKA_BROKERS": brokers, "EGIZ_DATABASE_URL": database, "EGIZ_KAFKA_SESSION_TIMEOUT": "4s",
            "EGIZ_DATA_DIR": folder.appendingPathComponent("data").path, "EGIZ_LOG_LEVEL": "info",
        ]
    }

    func startWorker(_ topology: URL) throws -> Program {
        try Program("egiz", ["worker", "--topologies", topology.path], environment: environment)
    }

    func connect() throws -> PostgresConnection { try PostgresConnection(url: database, applicationName: "egiz-test") }
}
