import ArgumentParser
import EgizCore
import EgizKafka
import EgizPostgres
import EgizRuntime
import EgizTopologyFile
import Foundation

extension TopologyCommand {
    struct Repartition: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Moves things to their new partitions after a topic was given more of them.",
            discussion: """
                A stage stops when its topics have another number of partitions than it was set up with, because a thing must \
                always lie in one partition. Stop the producers, let the stage read everything, stop the workers, add partitions \
                to the topics, run this, start again.

                EXAMPLE
                  EGIZ_KAFKA_BROKERS=k1:9092 EGIZ_DATABASE_URL=postgres://egiz@db/egiz \\
                    egiz topology repartition Topologies/filling-line.yaml
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "A topology file.") var file: String
        @ArgumentParser.Flag(
            help: """
                Go on although records are unread. Those of things that move become dead letters `partition`.
                """) var acceptLag = false

        func run() async throws {
            let settings = try await Program.start(common)
            let loaded = TopologyLoader.standard.load(path: file)
            FileHandle.standardError.write(Data(loaded.report.utf8))
            guard let topology = loaded.topology else { throw ExitCode(1) }
            let connection = try PostgresConnection(
                url: settings.requiredDatabaseURL, applicationName: "egiz-repartition")
            let factory = KafkaConsumerFactory(
                brokers: try settings.requiredBrokers, properties: settings.kafkaProperties,
                log: Program.logger(settings))
            for stage in topology.stages { try repartition(stage, StageRepartition(connection), factory) }
        }

        private func repartition(
            _ stage: StageDefinition, _ work: StageRepartition, _ factory: KafkaConsumerFactory
        ) throws {
            let topics = stage.source.topics.map(\.name)
            let consumer = try factory.open(group: "egiz.repartition", topics: topics, properties: [:])
            let counts = try consumer.partitionCounts()
            guard let count = counts.values.max(), Set(counts.values).count == 1, counts.count == topics.count else {
                throw EngineError(
                    .topology, .stop,
                    "the topics of \(stage.name) must exist and have one number of partitions, found \(counts)")
            }
            guard let stored = try work.storedPartitions(of: stage.name), stored != count else {
                Console.print("\(stage.name): \(count) partitions, nothing to do")
                return
            }
            let all = topics.flatMap { topic in (0..<count).map { TopicPartition(topic, $0) } }
            let marks = try consumer.watermarks(of: all)
            let unread = try work.positions(of: stage.name).reduce(into: Int64(0)) { sum, position in
                sum += max(0, (marks[position.key]?.end.raw ?? 0) - position.value.raw)
            }
            guard unread == 0 || acceptLag else {
                throw EngineError(
                    .topology, .stop,
                    "\(stage.name): \(unread) records of the old partitions are unread; those of things that move would become dead letters. Let the stage read them before the topic grows, or say --accept-lag"
                )
            }
            let report = try work.run(stage.name, partitions: count, starts: marks.mapValues(\.start))
            let predictions = report.predictions > 0 ? ", and \(report.predictions) predictions" : ""
            Console.print(
                "\(report.stage): \(report.from) -> \(report.to) partitions, \(report.moved) of \(report.things) things moved\(predictions)"
            )
        }
    }
}
