import EgizCore
import EgizProcessors
import Logging
import Synchronization

/// All stream threads of one topology in this worker. A failure in one stops the others of the same topology, and only those.
final class TopologyRun: Sendable {
    let name: String
    private let threads: [StreamThread]
    private let failure = Mutex<EngineError?>(nil)

    init(
        _ deployed: DeployedTopology, registry: ProcessorRegistry, worker: WorkerIdentity,
        configuration: WorkerConfiguration, consumers: any LogConsumerFactory, stores: any StoreFactory,
        outputs: any OutputProducerFactory, calls: any CallTransport, logger: Logger
    ) {
        let topology = deployed.topology
        name = topology.name
        var logger = logger
        logger[metadataKey: LogKey.topology] = "\(topology.name)"
        var properties = configuration.kafka
        properties["session.timeout.ms"] = "\(Int(configuration.sessionTimeout.seconds * 1000))"
        properties.merge(topology.kafka) { _, own in own }
        var threads: [StreamThread] = []
        for stage in topology.stages {
            let gate = SharedCallGate()
            for index in 0..<topology.parallelism {
                threads.append(
                    StreamThread(
                        .init(
                            stage: stage, delivery: topology.delivery, policy: topology.commit, index: index,
                            topologyVersion: deployed.version,
                            registry: registry, worker: worker, configuration: configuration, kafka: properties,
                            consumers: consumers, stores: stores, outputs: outputs, calls: calls, gate: gate,
                            logger: logger)))
            }
        }
        self.threads = threads
    }

    var statuses: [StageStatus.Snapshot] { threads.map(\.status.snapshot) }

    /// Runs until every thread has ended; throws the error that stopped the topology, if one did.
    func run() async throws {
        start()
        for thread in threads { await thread.joined() }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Starts the threads. `onEnd` is called on the last of them when it has ended, with the error that stopped the topology.
    func start(onEnd: @escaping @Sendable (EngineError?) -> Void = { _ in }) {
        let left = Countdown(threads.count)
        for thread in threads {
            thread.start { [self] error in
                if let error {
                    failure.withLock { $0 = $0 ?? error }
                    stop()
                }
                if left.next() == 0 { onEnd(failure.withLock { $0 }) }
            }
        }
    }

    func stop() {
        for thread in threads { thread.requestStop() }
    }
}

/// How many threads still run. Safe from any thread.
private final class Countdown: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    func next() -> Int {
        left.withLock {
            $0 -= 1
            return $0
        }
    }
}
