import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin

/// A stage of one kind that works on records as they are, its settings written as JSON.
struct RecordLine {
    let driver: TopologyDriver
    private let topic: String

    init(
        _ kind: String, _ settings: String, topic: String = "in", partitions: Int32 = 1,
        epochs: TopologyDriver.Epochs = .eachRecord, store: MemoryStore = MemoryStore()
    ) throws {
        let definition = try RuleLine.Link("line", kind, from: "source", settings).definition()
        let source = SourceDefinition(
            name: "source", topics: [.init(name: topic, partitions: partitions, config: [:], mark: RuleLine.mark)],
            format: .json, start: .earliest, onGap: .fail, idle: .seconds(3600), mark: RuleLine.mark)
        let topology = Topology(
            name: "line", description: nil, delivery: .exactlyOnce, parallelism: 1, commit: .standard,
            sources: [source], processors: [definition], kafka: [:], sourceText: "")
        driver = TopologyDriver(topology: topology, registry: .builtin, epochs: epochs, store: store)
        self.topic = topic
    }

    /// - Parameter second: the time of the record in the log.
    func send(
        _ second: Int64, key: String? = nil, _ value: String?, partition: Int32? = nil,
        headers: KeyValuePairs<String, String> = [:]
    ) throws {
        try driver.send(
            topic, key: key, value: value, at: EventTime(microseconds: second * 1_000_000), partition: partition,
            headers: headers.map { DeadLetter.Header(name: $0.key, value: Array($0.value.utf8)) })
    }

    func clock(_ second: Int64) throws {
        try driver.advanceStreamTime(to: EventTime(microseconds: second * 1_000_000))
    }

    /// `key value header=value …` of what was emitted to a topic.
    func emitted(_ topic: String) -> [String] {
        checkMessages(driver)
        return driver.emitted.filter { $0.topic == topic }.map { record in
            func text(_ bytes: [UInt8]?) -> String { bytes.map { String(decoding: $0, as: UTF8.self) } ?? "-" }
            let headers = record.headers.map { " \($0.name)=\(text($0.value))" }.joined()
            return "\(text(record.key)) \(text(record.value))\(headers)"
        }
    }

    func count(_ name: String) -> Int64 { driver.counters[name] ?? 0 }
}
