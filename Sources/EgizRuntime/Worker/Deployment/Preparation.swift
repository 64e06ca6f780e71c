import EgizCore
import Synchronization

/// Reads and checks one version on a thread of its own, because it may wait for Kafka and heartbeats must not.
final class Preparation: Sendable {
    let version: Int64
    private let outcome = Mutex<Result<Topology, EngineError>?>(nil)

    init(
        topology: String, version: Int64, text: String, registry: ProcessorRegistry,
        prepare: @escaping DeploymentWorker.Prepare, onEnd: @escaping @Sendable () -> Void
    ) {
        self.version = version
        _ = OSThread(name: "egiz-prepare") { [self] in
            let result = Result { () throws(EngineError) in
                let prepared = try prepare(topology, text)
                try Self.build(prepared, registry)
                return prepared
            }
            outcome.withLock { $0 = result }
            onEnd()
        }
    }

    /// Nil while it is under way.
    var result: Result<Topology, EngineError>? { outcome.withLock { $0 } }

    /// Every processor must come into being here as it will in the threads.
    private static func build(_ topology: Topology, _ registry: ProcessorRegistry) throws(EngineError) {
        for processor in topology.processors {
            guard let entry = registry[processor.kind] else {
                throw EngineError(
                    .topology, .stop,
                    "processor `\(processor.name)`: this worker does not know the kind \(processor.kind)")
            }
            do {
                _ = try entry.make(processor)
            } catch {
                throw EngineError(
                    .topology, .stop,
                    "processor `\(processor.name)`: \(error.faults.map(\.message).joined(separator: "; "))")
            }
        }
    }
}
