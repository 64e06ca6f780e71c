import Foundation
import Synchronization

/// Ctrl-C and SIGTERM while `egiz up` is still starting: what was started so far is stopped, then the process ends. Once the
/// services run, their own signal handling takes over.
///
/// Unchecked: the sources are made in `init` and cancelled in `hand over`, on one thread; `cleanup` is guarded.
final class StartupSignals: @unchecked Sendable {
    private let cleanup = Mutex<[@Sendable () -> Void]>([])
    private var sources: [any DispatchSourceSignal] = []

    init() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                for step in cleanup.withLock({ $0 }).reversed() { step() }
                exit(128 + number)
            }
            source.resume()
            sources.append(source)
        }
    }

    /// Adds something to stop; the last added is stopped first.
    func onStop(_ step: @escaping @Sendable () -> Void) { cleanup.withLock { $0.append(step) } }

    /// From here on others handle the signals.
    func handOver() {
        for source in sources { source.cancel() }
        sources = []
    }
}
