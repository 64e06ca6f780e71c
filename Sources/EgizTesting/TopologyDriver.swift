public import EgizCore
import EgizRuntime
public import EgizTwin
import Foundation

/// Runs the steps of a topology in memory, synchronously, record by record: the very `PartitionStep` of the stream thread, over
/// a `MemoryStore`. No thread, no clock, no Kafka.
public final class TopologyDriver {
    /// When an epoch closes.
    public enum Epochs: Sendable {
        /// After every record.
        case eachRecord
        /// Only with `commit()`.
        case explicit
    }

    public let topology: Topology
    public let store: MemoryStore
    /// What became of the last record, by stage.
    public private(set) var verdicts: [StageName: StepVerdict] = [:]

    private let registry: ProcessorRegistry
    private let epochs: Epochs
    private let cacheBytes: Int
    private let timerPage: Int
    private var partitions: [String: Int32] = [:]
    private var ends: [TopicPartition: Int64] = [:]
    private var stages: [Stage] = []

    private final class Stage {
        let definition: StageDefinition
        let tables = StreamTables()
        var tasks: [Int32: PartitionStep] = [:]
        var epochs: [Int32: Int64] = [:]
        var positions: [Int32: [String: (next: NextOffset, mark: RecordMark)]] = [:]
        var deadLetters: [DeadLetter] = []

        init(_ definition: StageDefinition) { self.definition = definition }
    }

    /// - Parameter partitions: for topics that declare none.
    public init(
        topology: Topology, registry: ProcessorRegistry, partitions: Int32 = 1, epochs: Epochs = .eachRecord,
        cacheBytes: Int = .max, timerPage: Int = 4096,
        store: MemoryStore = MemoryStore()
    ) {
        self.topology = topology
        self.registry = registry
        self.epochs = epochs
        self.cacheBytes = cacheBytes
        self.timerPage = timerPage
        self.store = store
        for topic in topology.sources.flatMap(\.topics) { self.partitions[topic.name] = topic.partitions ?? partitions }
        stages = topology.stages.map(Stage.init)
    }

    /// Pushes one record through every stage that reads the topic; its offset is the next of its partition.
    ///
    /// - Parameter at: the Kafka timestamp. - Parameter partition: nil: where Java's default partitioner puts the key.
    public func send(
        _ topic: String, key: String?, value: String?, at time: EventTime = EventTime(microseconds: 0),
        partition: Int32? = nil
    ) throws {
        try send(
            topic, key: key.map { Array($0.utf8) }, bytes: value.map { Array($0.utf8) }, at: time, partition: partition)
    }

    public func send(
        _ topic: String, key: [UInt8]?, bytes: [UInt8]?, at time: EventTime, partition: Int32? = nil,
        offset: Int64? = nil
    ) throws {
        let count = partitions[topic] ?? 1
        let number =
            partition ?? key.map { Murmur2.partition(ofKey: String(decoding: $0, as: UTF8.self), partitions: count) }
            ?? 0
        let place = TopicPartition(topic, number)
        let offset = offset ?? ends[place, default: 0]
        ends[place] = offset + 1
        for stage in stages {
            guard let index = stage.definition.source.topics.firstIndex(where: { $0.name == topic }) else { continue }
            let record = { (key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) in
                RawRecord(
                    topic: index, partition: number, offset: offset, timestamp: time, key: key, value: value)
            }
            verdicts[stage.definition.name] = try withBytes(key) { key in
                try withBytes(bytes) { value in try run(record(key, value), in: stage) }
            }
        }
        if epochs == .eachRecord { try commit() }
    }

    private func withBytes<T>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> T) rethrows -> T {
        guard let bytes else { return try body(nil) }
        return try bytes.withUnsafeBytes { try body($0) }
    }

    private func run(_ record: RawRecord, in stage: Stage) throws -> StepVerdict {
        let task = try step(stage, record.partition)
        let verdict = try settle(task, stage) { () throws(EngineError) in try task.process(record) }
        let topic = stage.definition.source.topics[record.topic].name
        switch verdict {
        case .refused(let refusal): setAside(record, topic, refusal, in: stage, task, attempts: 1)
        case .queued(let refusal): setAside(record, topic, refusal, in: stage, task, attempts: 0)
        case .full(let reason): throw EngineError(.state, .stop, "the task would pause: \(reason)")
        case .done, .needs, .needsTimers: break
        }
        stage.positions[record.partition, default: [:]][topic] = (
            NextOffset(after: record.offset), RecordMark(of: record)
        )
        return verdict
    }

    /// Loads what a step asks for until it is content.
    private func settle(
        _ task: PartitionStep, _ stage: Stage, _ body: () throws(EngineError) -> StepVerdict
    ) throws -> StepVerdict {
        while true {
            let verdict = try body()
            switch verdict {
            case .needs(let thing):
                let row = store.twin(thing)
                try task.install(
                    row.map { [$0] } ?? [],
                    states: store.allStates.filter { $0.thing == thing && $0.home.stage == stage.definition.name },
                    asked: [thing])
            case .needsTimers(let after):
                let rest = store.allTimers(of: task.task).filter { timer in after.map { $0 < timer } ?? true }
                task.installTimers(Array(rest.prefix(timerPage)), isLast: rest.count <= timerPage)
            default: return verdict
            }
        }
    }

    private func setAside(
        _ record: RawRecord, _ topic: String, _ refusal: StepVerdict.Refusal, in stage: Stage, _ task: PartitionStep,
        attempts: Int
    ) {
        var letter = DeadLetter(
            stage: stage.definition.name, topicName: topic, record: record, headers: [], code: refusal.code,
            message: refusal.message, thing: refusal.thing, processor: refusal.processor)
        letter.disposition = refusal.disposition
        letter.attempts = attempts
        if stage.definition.source.deadLetterTopic {
            task.emit(letter.output(id: "\(task.idPrefix(topic))/\(record.offset)/dlq", topologyVersion: 1))
        }
        stage.deadLetters.append(letter)
    }

    /// Moves stream time on in every task that has one, as at the end of a quiet log, and fires what is due.
    public func advanceStreamTime(to time: EventTime) throws {
        for stage in stages {
            for (_, task) in stage.tasks.sorted(by: { $0.key < $1.key }) where task.advanceStreamTime(to: time) {
                _ = try settle(task, stage) { () throws(EngineError) in try task.fireTimers() }
            }
        }
        if epochs == .eachRecord { try commit() }
    }

    /// Drops all uncommitted work and every cache, as a crash does. Records sent since the last commit are to be sent again.
    public func crash() {
        stages = stages.map { old in
            let new = Stage(old.definition)
            return new
        }
    }

    private func step(_ stage: Stage, _ partition: Int32) throws -> PartitionStep {
        if let known = stage.tasks[partition] { return known }
        let id = TaskID(stage: stage.definition.name, partition: partition)
        let row = store.task(id)
        let step = try PartitionStep(
            task: id, stage: stage.definition, registry: registry, tables: stage.tables,
            counters: row?.counters ?? StepCounters(), streamTime: row?.streamTime,
            parked: Dictionary(
                store.letterRows.filter {
                    $0.letter.disposition == .parked && $0.letter.position.partition == partition
                }
                .compactMap { row in row.letter.thing.map { ($0, 1) } }, uniquingKeysWith: +))
        stage.tasks[partition] = step
        stage.epochs[partition] = row?.epoch ?? 0
        return step
    }

    /// Ends the open epoch of every task and writes it to `store`.
    public func commit() throws {
        for stage in stages {
            var letters = stage.deadLetters
            stage.deadLetters = []
            for (partition, step) in stage.tasks.sorted(by: { $0.key < $1.key }) where step.hasOpenWork {
                let number = stage.epochs[partition, default: 0] + 1
                let output = step.closeEpoch(number)
                let offsets = stage.positions[partition, default: [:]].map {
                    TaskAdvance.Offset(topic: $0.key, next: $0.value.next, mark: $0.value.mark)
                }
                var advance = TaskAdvance(
                    task: step.task, ownerEpoch: store.task(step.task)?.ownerEpoch ?? 0, epoch: number,
                    offsets: offsets,
                    streamTime: step.streamTime, counters: step.counters)
                advance.idle = output.idle
                let epoch = EpochWrite(
                    tasks: [advance], columns: output.columns,
                    twins: output.twins.sorted { $0.snapshot.thing < $1.snapshot.thing }, deadLetters: letters)
                epoch.states = output.states.sorted { ($0.processor, $0.thing) < ($1.processor, $1.thing) }
                epoch.rollups = output.rollups.sorted {
                    ($0.thing, $0.path, $0.processor, $0.start) < ($1.thing, $1.path, $1.processor, $1.start)
                }
                epoch.timers = output.timers.map { [$0] } ?? []
                epoch.outboxes =
                    output.outputs.isEmpty ? [] : [Outbox(task: step.task, epoch: number, records: output.outputs)]
                let outcome = try write(epoch)
                letters = []
                guard case .committed = outcome else {
                    throw EngineError(.state, .stop, "the epoch of \(step.task) was not committed: \(outcome)")
                }
                stage.epochs[partition] = number
                step.committed(number, output: output, cacheBytes: cacheBytes)
            }
        }
    }

    private func write(_ epoch: EpochWrite) throws -> CommitOutcome {
        for advance in epoch.tasks { store.makeRow(advance.task) }
        return try store.commit(epoch)
    }

    // MARK: What came out

    /// The twin's document as the last commit left it, as JSON text; nil where it is unknown or deleted.
    public func twin(_ thing: String) -> String? {
        guard let id = try? ThingID(validating: thing) else { return nil }
        return store.twin(id)?.snapshot.document.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The committed samples of a path as a reader sees them.
    public func samples(_ thing: String, _ path: String) -> [MemorySample] { store.samples(.init(thing, path)) }

    public var deadLetters: [DeadLetter] { store.allDeadLetters }

    /// Everything that committed epochs emitted, in order.
    public var emitted: [OutputRecord] { store.emitted }

    /// Counters of all tasks of all stages, summed, by name, as of the last commit.
    public var counters: [String: Int64] {
        var sums: [String: Int64] = [:]
        for stage in stages { sums.merge(store.counters(of: stage.definition.name)) { $0 + $1 } }
        return sums
    }

    /// The stream time of a task of the first stage.
    public func streamTime(partition: Int32 = 0) -> EventTime? { stages.first?.tasks[partition]?.streamTime }

    /// Bytes and twins of the caches of all tasks.
    public var cached: (twins: Int, bytes: Int) {
        stages.flatMap(\.tasks.values).reduce((0, 0)) { ($0.0 + $1.twins.count, $0.1 + $1.twins.bytes) }
    }
}
