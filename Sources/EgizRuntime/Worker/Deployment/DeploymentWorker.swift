public import EgizCore
import Foundation
public import Logging
public import ServiceLifecycle
import Synchronization

/// Runs what is deployed, and follows it without a restart: the service behind `egiz worker` and `egiz up`.
///
/// One thread looks at the database twice a second: says that the worker lives, prepares versions, switches a topology when all
/// live workers have prepared the wanted version (rule 21), and starts and drains threads. It never blocks on them.
public final class DeploymentWorker: Service, @unchecked Sendable {
    // Unchecked: what is not in a mutex is touched by the supervising thread alone.

    /// Reads a stored text, checks it and makes ready what it needs (topics). Called on a thread of its own. Throws `.backoff` where
    /// a server is away; what else it throws refuses the version.
    public typealias Prepare = @Sendable (_ name: String, _ text: String) throws(EngineError) -> Topology

    public struct Setup: Sendable {
        public var identity: WorkerIdentity
        /// The only topologies this worker runs; nil: all that are deployed.
        public var scope: Set<String>?
        /// End with the error when every topology of the worker has failed.
        public var endsWhenAllFailed: Bool
        public var registry: ProcessorRegistry
        public var configuration: WorkerConfiguration
        public var consumers: any LogConsumerFactory
        public var stores: any StoreFactory
        public var outputs: any OutputProducerFactory
        /// How callers reach those that they ask.
        public var calls: any CallTransport
        public var deployments: @Sendable () -> any DeploymentStore
        public var prepare: Prepare
        public var logger: Logger
        /// How often the database is looked at; a change is seen within this.
        public var interval = Duration.milliseconds(500)

        public init(
            identity: WorkerIdentity, scope: Set<String>? = nil, endsWhenAllFailed: Bool = false,
            registry: ProcessorRegistry, configuration: WorkerConfiguration, consumers: any LogConsumerFactory,
            stores: any StoreFactory, outputs: any OutputProducerFactory, calls: any CallTransport = NoTransport(),
            deployments: @escaping @Sendable () -> any DeploymentStore,
            prepare: @escaping Prepare, logger: Logger
        ) {
            self.identity = identity
            self.scope = scope
            self.endsWhenAllFailed = endsWhenAllFailed
            self.registry = registry
            self.configuration = configuration
            self.consumers = consumers
            self.stores = stores
            self.outputs = outputs
            self.calls = calls
            self.deployments = deployments
            self.prepare = prepare
            self.logger = logger
        }
    }

    let setup: Setup
    var logger: Logger { setup.logger }
    /// By name; the supervising thread's own.
    var served: [String: ServedTopology] = [:]
    var lastReports: [TopologyReport] = []
    var hasJoined = false
    /// Nothing was deployed at the last look, and that was said.
    var hasSaidIdle = false
    /// What stages left that are gone, as far as it is still to be ended; by topology. Nil before the first look.
    var endings: [String: StageEnding]?
    private let runs = Mutex<[TopologyRun]>([])
    private let reportsSeen = Mutex<[TopologyReport]?>(nil)
    private let stopFlag = Flag()
    private let wake = DispatchSemaphore(value: 0)
    private let failure = Mutex<EngineError?>(nil)

    public init(_ setup: Setup) { self.setup = setup }

    public var identity: WorkerIdentity { setup.identity }

    /// What every stream thread is doing. Safe from any thread.
    public var statuses: [StageStatus.Snapshot] { runs.withLock { $0 }.flatMap(\.statuses) }

    /// How the worker's topologies stand; nil until it has looked at the database once. Safe from any thread.
    public var reports: [TopologyReport]? { reportsSeen.withLock { $0 } }

    /// Runs until graceful shutdown, then drains.
    public func run() async throws {
        try await withTaskCancellationOrGracefulShutdownHandler {
            await OSThread(name: "egiz-deploy") { [self] in supervise() }.joined()
            if let error = failure.withLock({ $0 }) { throw error }
        } onCancelOrGracefulShutdown: { [self] in
            stopFlag.raise()
            wakeUp()
        }
    }

    func wakeUp() { wake.signal() }

    // MARK: The thread

    private func supervise() {
        let store = setup.deployments()
        var backoff = Backoff()
        var isAway = false
        var failedLooks = 0
        while !stopFlag.isRaised {
            var wait = setup.interval
            do throws(EngineError) {
                let isSettled = try pass(store)
                if isAway { logger.notice("deployments can be read again") }
                isAway = false
                backoff.reset()
                // What has just changed here is told at once: others wait for it.
                if !isSettled { wait = .zero }
            } catch {
                // What runs goes on; its own connections tell how they are.
                if !isAway { logger.warning("deployments cannot be read", metadata: [LogKey.error: "\(error)"]) }
                isAway = true
                wait = max(wait, backoff.next())
            }
            publish()
            let error = allFailed()
            failedLooks = error == nil ? 0 : failedLooks + 1
            // At the second look in a row: a failure may only mean that others have just switched to another version.
            if let error, failedLooks > 1 {
                failure.withLock { $0 = error }
                break
            }
            if wait > .zero { _ = wake.wait(timeout: .now() + wait.seconds) }
        }
        drain()
        if hasJoined, !isAway { try? store.leave(identity) }
        store.close()
    }

    /// Lets others see how things are.
    private func publish() {
        let running = served.values.sorted { $0.name < $1.name }.compactMap { $0.run?.run }
        runs.withLock { $0 = running }
        guard hasJoined else { return }
        let reports = lastReports
        reportsSeen.withLock { $0 = reports }
    }

    /// The first error where nothing of what this worker runs can go on, and it shall end then.
    private func allFailed() -> EngineError? {
        guard setup.endsWhenAllFailed, !lastReports.isEmpty else { return nil }
        guard lastReports.allSatisfy({ $0.state == .failed || $0.state == .refused }) else { return nil }
        for report in lastReports {
            guard let topology = served[report.topology] else { continue }
            if case .failed = topology.state, let error = topology.run?.error { return error }
            if let version = report.refusedVersion, let error = topology.refusal(version) { return error }
        }
        return nil
    }

    private func drain() {
        for topology in served.values { topology.run?.stop() }
        while served.values.contains(where: { $0.run?.hasEnded == false }) {
            _ = wake.wait(timeout: .now() + 1)
        }
        publish()
    }
}
