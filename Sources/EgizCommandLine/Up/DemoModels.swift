import EgizCore
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// What `egiz up --demo --models` adds: the example's model service, and a machine that it watches, whose nozzle clogs after a while.
final class DemoModels: Service {
    /// The topic of Topologies/filling-ml.yaml.
    static let topic = "filling.telemetry.v1"
    /// Where that topology expects the service.
    private static let port = 8000

    private let brokers: String
    private let logger: Logger
    private let children = Mutex<[Process]>([])

    init(brokers: String, logger: Logger) {
        self.brokers = brokers
        self.logger = logger
    }

    /// Whether some topology has a model to ask.
    static func areWanted(by topologies: [Topology]) -> Bool {
        topologies.contains { $0.sources.contains { $0.topics.contains { $0.name == topic } } }
    }

    /// Starts both; the first time the service installs its Python packages, which takes a minute in which questions wait.
    func start(api: String) {
        let programs = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        if let script = Self.script(programs) {
            begin(script, ["--port", "\(Self.port)", "--with-parent", "--log-level", "warning"])
        } else {
            logger.warning(
                "the model service of the example is not here; questions to models wait",
                metadata: ["egiz.reason": "examples/zonesun-filling-machine/ml-service/run.sh"])
        }
        begin(
            programs.appendingPathComponent("zonesun-simulator"),
            [
                "--brokers", brokers, "--machines", "1", "--rate", "5", "--format", "telemetry", "--topic-telemetry",
                Self.topic, "--inject", "machine=1,nozzle=3,at=60s", "--api", api, "--quiet", "--with-parent",
            ])
    }

    /// In the working directory, or in the repository that the program was built in.
    private static func script(_ programs: URL) -> URL? {
        let path = "examples/zonesun-filling-machine/ml-service/run.sh"
        var places = [URL(fileURLWithPath: FileManager.default.currentDirectoryPath)]
        places += [
            programs.appendingPathComponent("../..").standardized,
            programs.appendingPathComponent("../../..").standardized,
        ]
        return places.map { $0.appendingPathComponent(path) }.first {
            FileManager.default.isExecutableFile(atPath: $0.path)
        }
    }

    private func begin(_ program: URL, _ arguments: [String]) {
        let child = Process()
        child.executableURL = program
        child.arguments = arguments
        child.standardInput = FileHandle.nullDevice
        child.standardOutput = FileHandle.nullDevice
        do {
            try child.run()
            children.withLock { $0.append(child) }
        } catch {
            logger.warning(
                "a program of the demo cannot be started",
                metadata: ["egiz.reason": "\(program.path): \(error); build it with `make build`"])
        }
    }

    func run() async throws {
        try await gracefulShutdown()
        for child in children.withLock({ $0 }) where child.isRunning {
            child.terminate()
            child.waitUntilExit()
        }
    }
}
