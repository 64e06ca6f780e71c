import EgizCore
import EgizProcessors
import EgizTesting
import EgizTwin
import Logging

@testable import EgizRuntime

/// A log, a store and workers on them, with what the tests ask of all three.
final class Bench: Sendable {
    let log = MemoryLog()
    let store = MemoryStore()
    let topology: Topology
    let registry: ProcessorRegistry
    let group: String
    let stage: StageName

    init(
        _ topology: Topology = .testing(), partitions: Int = 1, registry: ProcessorRegistry = .builtin
    ) {
        self.topology = topology
        self.registry = registry
        stage = topology.stages[0].name
        group = stage.text
        for topic in topology.sources.flatMap(\.topics) { log.createTopic(topic.name, partitions: partitions) }
    }

    func worker(
        _ id: String = "w1", topologies: [Topology]? = nil, calls: any CallTransport = NoTransport(),
        configure: (inout WorkerConfiguration) -> Void = { _ in }
    ) -> RunningWorker {
        var configuration = WorkerConfiguration()
        // A lost fence is tried again after twice this; drains take at most half of it.
        configuration.sessionTimeout = .seconds(2)
        configuration.shutdownGrace = .seconds(2)
        configuration.redriveInterval = .milliseconds(20)
        configure(&configuration)
        return RunningWorker(
            Worker(
                topologies: (topologies ?? [topology]).map { DeployedTopology(topology: $0, version: 1) },
                registry: registry,
                identity: WorkerIdentity(id: id, host: "test", processID: 1), configuration: configuration,
                consumers: MemoryConsumerFactory(log: log), stores: MemoryStoreFactory(store: store),
                outputs: MemoryOutputFactory(log: log), calls: calls,
                logger: Logger(label: id) { _ in SwiftLogNoOpLogHandler() }))
    }

    /// One telemetry record; `n` is its value and, in milliseconds, its time, so that no two samples share a time.
    func push(_ thing: String, _ n: Int, topic: String = "events", path: String = "x", partition: Int32? = nil) {
        log.append(
            topic, key: thing,
            value:
                #"{"thingId":"\#(thing)","timestamp":\#(1_700_000_000_000 + n),"features":{"f":{"\#(path)":\#(n)}}}"#,
            at: EventTime(microseconds: (1_700_000_000_000 + Int64(n)) * 1000), partition: partition)
    }

    /// Pushes `range`, spread over `things` machines.
    func push(_ range: Range<Int>, things: Int = 5) {
        for n in range { push("t:m\(n % things)", n) }
    }

    func task(_ partition: Int32 = 0) -> TaskID { TaskID(stage: stage, partition: partition) }

    /// Waits until every record of the log is committed.
    func caughtUp(seconds: Double = 20) async -> Bool {
        let positions = topology.sources.flatMap(\.topics).flatMap { topic in
            (0..<Int32(log.partitionCount(of: topic.name))).map { TopicPartition(topic.name, $0) }
        }.filter { log.end(of: $0).raw > 0 }
        let ends = positions.map { ($0, log.end(of: $0).raw) }
        let stage = stage
        return await store.eventually(seconds: seconds) { store in
            ends.allSatisfy { place, end in
                store.position(of: TaskID(stage: stage, partition: place.partition), topic: place.topic) == end
            }
        }
    }

    /// The log folded record by record, without threads, commits or faults.
    func fold() throws -> MemoryStore {
        let driver = TopologyDriver(topology: topology, registry: registry)
        for topic in topology.sources.flatMap(\.topics) {
            for partition in 0..<Int32(log.partitionCount(of: topic.name)) {
                for record in log.records(of: TopicPartition(topic.name, partition)) {
                    try driver.send(
                        topic.name, key: record.key, bytes: record.value, at: record.timestamp, partition: partition,
                        offset: record.offset)
                }
            }
        }
        return driver.store
    }
}

/// A worker in its task.
final class RunningWorker: Sendable {
    let worker: Worker
    private let run: Task<Void, any Error>

    init(_ worker: Worker) {
        self.worker = worker
        run = Task { try await worker.run() }
    }

    /// Whether a thread says that it waits for something.
    var isWaiting: Bool { worker.statuses.contains { if case .waiting = $0.state { true } else { false } } }

    /// Asks for a graceful shutdown and waits for the end of it.
    func stop() async throws {
        run.cancel()
        try await run.value
    }

    /// The error that ended the worker by itself.
    func failure() async -> EngineError? {
        do {
            try await run.value
            return nil
        } catch {
            return error as? EngineError
        }
    }
}
