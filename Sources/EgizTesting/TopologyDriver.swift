public import EgizCore
public import EgizRuntime
public import EgizTwin

/// Runs the steps of a topology in memory, synchronously, record by record: the very `PartitionStep` of the stream thread, over
/// a `MemoryStore`. No thread, no clock, no Kafka.
public final class TopologyDriver {
    /// When an epoch closes.
    public enum Epochs: String, Sendable, CaseIterable {
        /// After every record.
        case eachRecord
        /// Only with `commit()`.
        case explicit
    }

    public let topology: Topology
    public let store: MemoryStore
    /// What became of the last record, by stage.
    public private(set) var verdicts: [StageName: StepVerdict] = [:]
    /// Every record that was set aside, in order, also those that have been redriven since and those of epochs that were dropped.
    public private(set) var refused: [DeadLetter] = []

    let epochs: Epochs
    let cacheBytes: Int
    var stages: [DriverStage] = []
    /// Those whom callers ask.
    let endpoint: any CallTransport
    private let environment: [String: String]
    /// The clock of the calls; it goes on only where something waits for it.
    var callClock = Duration.zero
    private let wallClock = DriverClock()
    /// Committed records for topics that the topology reads itself, on their way there.
    var underWay: [OutputRecord] = []
    var isDelivering = false
    /// Everything that was sent, in order.
    private(set) var log: [DriverRecord] = []

    private let registry: ProcessorRegistry
    private let timerPage: Int
    private let largestRecord: Int
    private var partitions: [String: Int32] = [:]
    private var ends: [TopicPartition: Int64] = [:]

    /// - Parameters:
    ///   - partitions: for topics that declare none.
    ///   - environment: what callers find there: secrets.
    ///   - largestRecord: bytes that Kafka takes at most.
    public init(
        topology: Topology, registry: ProcessorRegistry, partitions: Int32 = 1, epochs: Epochs = .eachRecord,
        cacheBytes: Int = .max, timerPage: Int = 4096, largestRecord: Int = 1_000_000,
        store: MemoryStore = MemoryStore(), endpoint: any CallTransport = NoTransport(),
        environment: [String: String] = [:]
    ) {
        self.topology = topology
        self.registry = registry
        self.epochs = epochs
        self.cacheBytes = cacheBytes
        self.timerPage = timerPage
        self.largestRecord = largestRecord
        self.store = store
        self.endpoint = endpoint
        self.environment = environment
        for topic in topology.sources.flatMap(\.topics) { self.partitions[topic.name] = topic.partitions ?? partitions }
        stages = topology.stages.map(makeStage)
    }

    /// A stage that knows nothing. A caller whose settings were not checked has no desk, and its records stay where they are.
    func makeStage(_ definition: StageDefinition) -> DriverStage {
        let found = try? registry.caller(of: definition)
        let (environment, clock) = (environment, wallClock)
        let desk = found.map { name, caller in
            CallDesk(
                name: name, caller: caller, transport: endpoint, stage: definition.name, gate: SharedCallGate(),
                seed: 1, countsMetrics: false
            ) { CallTools(now: DriverClock.start, clock: clock.now) { environment[$0] } }
        }
        return DriverStage(definition, desk: desk)
    }

    /// Pushes one record through every stage that reads the topic; its offset is the next of its partition.
    ///
    /// - Parameter at: the Kafka timestamp. - Parameter partition: nil: where Java's default partitioner puts the key.
    public func send(
        _ topic: String, key: String?, value: String?, at time: EventTime = EventTime(microseconds: 0),
        partition: Int32? = nil, headers: [DeadLetter.Header] = []
    ) throws {
        try send(
            topic, key: key.map { Array($0.utf8) }, bytes: value.map { Array($0.utf8) }, at: time,
            partition: partition, headers: headers)
    }

    public func send(
        _ topic: String, key: [UInt8]?, bytes: [UInt8]?, at time: EventTime, partition: Int32? = nil,
        offset: Int64? = nil, headers: [DeadLetter.Header] = []
    ) throws {
        let count = partitions[topic] ?? 1
        let number =
            partition ?? key.map { Murmur2.partition(ofKey: String(decoding: $0, as: UTF8.self), partitions: count) }
            ?? 0
        let place = TopicPartition(topic, number)
        let offset = offset ?? ends[place, default: 0]
        ends[place] = offset + 1
        let record = DriverRecord(
            topic: topic, partition: number, offset: offset, time: time, key: key, value: bytes, headers: headers)
        log.append(record)
        wallClock.note(time)
        for stage in stages where stage.index(of: topic) != nil { try run(record, in: stage) }
        if epochs == .eachRecord { try commit() }
    }

    /// The partitions of a topic.
    public func partitionCount(of topic: String) -> Int32 { partitions[topic] ?? 1 }

    /// Runs one record of the log in one stage, into the task's open epoch.
    func run(_ record: DriverRecord, in stage: DriverStage) throws {
        let task = try task(stage, record.partition)
        if stage.desk != nil { return try call(record, task, in: stage) }
        try withRaw(record, in: stage) { raw in
            let verdict = try settle(task, stage) { () throws(EngineError) in
                try task.step.process(raw, headers: record.headers)
            }
            verdicts[stage.definition.name] = verdict
            switch verdict {
            case .refused(let refusal):
                setAside(raw, record.topic, record.headers, refusal, in: stage, task, attempts: 1)
            case .queued(let refusal):
                setAside(raw, record.topic, record.headers, refusal, in: stage, task, attempts: 0)
            case .full(let reason): throw EngineError(.state, .stop, "the task would pause: \(reason)")
            case .done, .needs, .needsTimers, .epochIsFull: break
            }
            task.positions[record.topic] = (NextOffset(after: record.offset), RecordMark(of: raw))
        }
    }

    func note(_ verdict: StepVerdict, of stage: DriverStage) { verdicts[stage.definition.name] = verdict }

    func withRaw<T>(_ record: DriverRecord, in stage: DriverStage, _ body: (RawRecord) throws -> T) throws -> T {
        guard let index = stage.index(of: record.topic) else {
            throw EngineError(.topology, .never, "stage \(stage.definition.name) reads no topic \(record.topic)")
        }
        return try withBytes(record.key) { key in
            try withBytes(record.value) { value in
                try body(
                    RawRecord(
                        topic: index, partition: record.partition, offset: record.offset, timestamp: record.time,
                        key: key, value: value))
            }
        }
    }

    private func withBytes<T>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) throws -> T) rethrows -> T {
        guard let bytes else { return try body(nil) }
        return try bytes.withUnsafeBytes { try body($0) }
    }

    /// Loads what a step asks for until it is content.
    func settle(
        _ task: DriverTask, _ stage: DriverStage, _ body: () throws(EngineError) -> StepVerdict
    ) throws -> StepVerdict {
        let rows = MemoryTaskStore(store: store, worker: Self.worker)
        while true {
            let verdict = try body()
            switch verdict {
            case .needs(let thing):
                let restored = try rows.restore(
                    [thing], of: stage.definition.name, states: task.step.statefulProcessors)
                try task.step.install(restored.twins, states: restored.states, asked: [thing])
            case .needsTimers(let after):
                let page = try rows.timers(of: task.step.task, after: after, limit: timerPage + 1)
                task.step.installTimers(Array(page.prefix(timerPage)), isLast: page.count <= timerPage)
            default: return verdict
            }
        }
    }

    func setAside(
        _ record: RawRecord, _ topic: String, _ headers: [DeadLetter.Header], _ refusal: StepVerdict.Refusal,
        in stage: DriverStage, _ task: DriverTask, attempts: Int
    ) {
        var letter = DeadLetter(
            stage: stage.definition.name, topicName: topic, record: record, headers: headers,
            code: refusal.code, message: refusal.message, thing: refusal.thing, processor: refusal.processor)
        letter.disposition = refusal.disposition
        letter.attempts = refusal.kept?.attempts ?? attempts
        letter.retryAt = refusal.kept?.retryAt
        if stage.definition.source.deadLetterTopic, refusal.kept == nil {
            task.step.emit(
                letter.output(
                    id: "\(task.step.idPrefix(topic))/\(record.offset)/dlq", topologyVersion: 1,
                    database: MemoryStore.databaseID))
        }
        task.deadLetters.append(letter)
        refused.append(letter)
    }

    // MARK: Tasks

    static let worker = WorkerIdentity(id: "driver", host: "memory", processID: 1)

    /// The task of that partition, taken over from the store where nobody here has it yet.
    func task(_ stage: DriverStage, _ partition: Int32) throws -> DriverTask {
        if let known = stage.tasks[partition] { return known }
        let id = TaskID(stage: stage.definition.name, partition: partition)
        let count = stage.definition.source.topics.map { partitionCount(of: $0.name) }.max() ?? 1
        let leases = try MemoryTaskStore(store: store, worker: Self.worker).acquire(
            [id], partitions: count, topologyVersion: 1)
        guard let lease = leases.first else {
            throw EngineError(.ownership, .stop, "the store gave no lease for \(id)")
        }
        let step = try PartitionStep(
            task: id, stage: stage.definition, registry: registry, tables: stage.tables, counters: lease.counters,
            streamTime: lease.streamTime, incarnation: lease.incarnation, parked: lease.parked,
            largestRecord: largestRecord, database: MemoryStore.databaseID)
        let task = DriverTask(lease: lease, step: step)
        if let desk = stage.desk {
            task.calls = TaskCalls(desk: desk, topics: stage.definition.source.topics.count)
        }
        stage.tasks[partition] = task
        if step.hasRules || lease.rules != nil {
            step.install(store.read { store.ruleRegistry }, stored: lease.rules)
            try review(task, stage)
        }
        return task
    }

    /// Takes over every task that the store knows of.
    func takeOverAll() throws {
        for stage in stages {
            for id in store.taskIDs where id.stage == stage.definition.name { _ = try task(stage, id.partition) }
        }
    }
}
