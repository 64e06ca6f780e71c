import ArgumentParser
import EgizCore
import EgizKafka
import Foundation
import ServiceLifecycle
import UnixSignals

struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "The embedded Kafka alone, so that it outlives a worker.",
        discussion: """
            Speaks the Kafka protocol on 127.0.0.1, keeps about 5 MiB a partition, and forgets everything when it ends:
            for laptops and tests.

            EXAMPLES
              egiz broker                                   the topics of Topologies/
              egiz broker --topic demo.v1:8 --port 9192
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var files: TopologyOptions
    @Option(name: .long, help: "A topic as name:partitions; may be repeated. Then no topology is read.")
    var topic: [String] = []
    @Option(name: .long, help: "The port to answer at on 127.0.0.1; another one is taken where it is in use.")
    var port: UInt16 = 9092

    func run() async throws {
        let settings = try await Program.start(common)
        let topics = try topic.isEmpty ? Program.topics(of: files.load()) : topic.map(Self.parse)
        let broker = try EmbeddedBroker(topics: topics, port: port == 0 ? nil : port, log: Program.logger(settings))
        Console.print("Kafka  \(broker.bootstrap)")
        if let notice = broker.portNotice { Console.print("       \(notice)") }
        for topic in topics { Console.print("topic  \(topic.name) (\(topic.partitions) partitions)") }
        let group = ServiceGroup(
            services: [UntilShutdown()], gracefulShutdownSignals: [.sigint, .sigterm],
            logger: Program.logger(settings))
        try await group.run()
        broker.stop()
    }

    private static func parse(_ text: String) throws -> (name: String, partitions: Int32) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let partitions = Int32(parts[1]), (1...10_000).contains(partitions) else {
            throw ValidationError("--topic: found \"\(text)\", expected name:partitions such as demo.v1:8")
        }
        return (String(parts[0]), partitions)
    }
}
