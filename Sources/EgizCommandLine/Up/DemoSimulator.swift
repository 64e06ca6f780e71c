import EgizCore
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// The filling machines of `egiz up --demo`: the simulator's own program, started beside this one.
final class DemoSimulator: Service {
    private let machines: Int
    private let rate: Double
    private let brokers: String
    private let logger: Logger
    private let process = Mutex<Process?>(nil)

    init(machines: Int, rate: Double, brokers: String, logger: Logger) {
        self.machines = machines
        self.rate = rate
        self.brokers = brokers
        self.logger = logger
    }

    /// Starts the program; it asks the API for the twins' revisions and goes on from there.
    func start(api: String) {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("zonesun-simulator")
        let child = Process()
        child.executableURL = program
        child.arguments = [
            "--brokers", brokers, "--machines", "\(machines)", "--rate", "\(rate)", "--format", "both", "--api", api,
            "--quiet", "--with-parent",
        ]
        child.standardInput = FileHandle.nullDevice
        child.standardOutput = FileHandle.nullDevice
        do {
            try child.run()
            process.withLock { $0 = child }
        } catch {
            logger.warning(
                "the simulator cannot be started; push events yourself",
                metadata: [
                    "egiz.reason": "\(program.path): \(error); build it with `swift build --product zonesun-simulator`"
                ])
        }
    }

    func run() async throws {
        try await gracefulShutdown()
        guard let child = process.withLock({ $0 }), child.isRunning else { return }
        child.terminate()
        child.waitUntilExit()
    }
}
