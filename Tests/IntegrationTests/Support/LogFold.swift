import EgizCore
import EgizKafka
import EgizRuntime
import EgizTwin
import Foundation
import Testing

/// An independent fold of a topic: reads it from its start with a consumer of its own and keeps, for each thing, its document
/// and, for each leaf path, the samples by time. It shares the decoder and the twin with the engine, but no step, epoch or store.
struct LogFold {
    private(set) var documents: [String: JSONValue] = [:]
    /// thing, path -> distinct event times in microseconds.
    private(set) var times: [Series: Set<Int64>] = [:]
    private(set) var records = 0

    struct Series: Hashable {
        var thing: String
        var path: String
    }

    /// - Parameter brokers: others than the world's own.
    init(world: TestWorld, topic: String, format: RecordFormat = .ditto, brokers: String? = nil) throws {
        let factory = KafkaConsumerFactory(brokers: brokers ?? world.brokers, properties: [:], log: world.logger)
        let consumer = try factory.open(group: "fold-\(UUID().uuidString)", topics: [topic], properties: [:])
        let reader = FromStart(consumer: consumer)
        let counts = try consumer.partitionCounts()
        var end: Int64 = 0
        var start: Int64 = 0
        for partition in 0..<(counts[topic] ?? 0) {
            let marks = try consumer.watermarks(of: TopicPartition(topic, partition))
            start += marks.start.raw
            end += marks.end.raw
        }
        try #require(start == 0, "the broker has dropped the start of the log; the fold would be incomplete")
        let paths = PathTable()
        let decoder = RecordDecoder(paths: paths)
        var twins: [ThingID: Twin] = [:]
        var change = ChangeBuffer()
        let deadline = Date(timeIntervalSinceNow: 60)
        while Int64(records) < end, Date.now < deadline {
            guard let batch = try consumer.poll(limit: 4096, timeout: .milliseconds(200), listener: reader) else {
                continue
            }
            for index in 0..<batch.count {
                let record = batch.record(at: index)
                records += 1
                guard
                    case .event(let event) = decoder.decode(record.value, format: format, recordTime: record.timestamp)
                else { continue }
                let twin = twins[event.thing] ?? Twin(thing: event.thing)
                twins[event.thing] = twin
                change.removeAll()
                guard case .applied = twin.apply(event, paths: paths, into: &change) else { continue }
                for leaf in change.leaves {
                    times[Series(thing: event.thing.text, path: paths.text(of: leaf.path)), default: []].insert(
                        event.time.microseconds)
                }
            }
        }
        try #require(Int64(records) == end, "the fold read \(records) of \(end) records")
        consumer.close(listener: reader)
        for (thing, twin) in twins { if let document = twin.document { documents[thing.text] = document } }
    }

    /// A listener that starts every partition at its first record.
    private final class FromStart: AssignmentListener {
        let consumer: any LogConsumer
        init(consumer: any LogConsumer) { self.consumer = consumer }
        func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: NextOffset] {
            Dictionary(uniqueKeysWithValues: partitions.map { ($0, NextOffset(stored: 0)) })
        }
        func revoked(_ partitions: [TopicPartition], lost: Bool) {}
    }
}
