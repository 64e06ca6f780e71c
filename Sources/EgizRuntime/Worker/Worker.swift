public import EgizCore
public import Logging
public import ServiceLifecycle

/// Runs given versions of topologies until the process shuts down, whatever is deployed. `egiz worker` and `egiz up` run
/// `DeploymentWorker`, which follows the database.
public final class Worker: Service {
    public let identity: WorkerIdentity
    private let runs: [TopologyRun]
    private let staysUp: Bool
    private let logger: Logger

    /// - Parameter staysUp: Wait for shutdown even when every topology has failed, because the process has more to do: its API
    ///   says why, and its embedded log would die with it.
    public init(
        topologies: [DeployedTopology], registry: ProcessorRegistry, identity: WorkerIdentity,
        configuration: WorkerConfiguration, consumers: any LogConsumerFactory, stores: any StoreFactory,
        outputs: any OutputProducerFactory, calls: any CallTransport = NoTransport(), staysUp: Bool = false,
        logger: Logger
    ) {
        self.identity = identity
        self.staysUp = staysUp
        self.logger = logger
        runs = topologies.map {
            TopologyRun(
                $0, registry: registry, worker: identity, configuration: configuration, consumers: consumers,
                stores: stores, outputs: outputs, calls: calls, logger: logger)
        }
    }

    /// What every stream thread is doing. Safe from any thread.
    public var statuses: [StageStatus.Snapshot] { runs.flatMap(\.statuses) }

    /// Runs until graceful shutdown, then drains. A topology that fails stops alone; the worker throws when none is left.
    public func run() async throws {
        try await withTaskCancellationOrGracefulShutdownHandler {
            var failures: [any Error] = []
            await withTaskGroup(of: (any Error)?.self) { group in
                for run in runs {
                    group.addTask {
                        do {
                            try await run.run()
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                for await error in group {
                    if let error {
                        failures.append(error)
                        logger.error(
                            "topology stopped; what else runs here goes on", metadata: [LogKey.error: "\(error)"])
                    }
                }
            }
            if let first = failures.first {
                if staysUp { try? await gracefulShutdown() }
                throw first
            }
        } onCancelOrGracefulShutdown: { [self] in
            for run in runs { run.stop() }
        }
    }
}
