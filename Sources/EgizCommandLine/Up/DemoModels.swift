import EgizCore
import EgizKafka
import EgizProcessors
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// What `egiz up --demo --models` adds, so that every kind of the topologies has something to do: the example's model service with a
/// machine whose nozzle clogs after a while, machines with bindings and alert rules, machines behind a gateway, dead letters of
/// another system, and the pager that alerts are delivered to.
final class DemoModels: Service {
    /// The topics that the topologies read and the demo writes.
    enum Topic {
        static let watched = "filling.telemetry.v1"
        static let ruled = "machines.telemetry.v1"
        static let gateway = "gateway.telemetry.v1"
        static let letters = "orders.dlq"
    }

    private static let folder = "examples/zonesun-filling-machine"
    /// Where the topologies expect the model service and the pager.
    private static let modelPort = 8000
    private static let pagerPort = 8001
    private static let pagerSecret = "EGIZ_PAGER_SECRET"

    private let topics: Set<String>
    private let hasPager: Bool
    private let brokers: String
    private let logger: Logger
    private let children = Mutex<[Process]>([])

    init(_ topologies: [Topology], brokers: String, logger: Logger) {
        topics = Set(topologies.flatMap(\.sources).flatMap(\.topics).map(\.name))
        hasPager = topologies.contains { $0.processors.contains { $0.kind == Webhook.spec.kind } }
        self.brokers = brokers
        self.logger = logger
    }

    /// Gives the worker and the pager a secret in common, where the user gave none. To be called before either begins.
    static func prepareSecret() {
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max) }.hex
        setenv(pagerSecret, secret, 0)
    }

    /// Starts everything; the first time the model service installs its Python packages, which takes a minute in which questions wait.
    func start(api: String) {
        if topics.contains(Topic.watched) {
            beginScript(
                "ml-service/run.sh", ["--port", "\(Self.modelPort)", "--log-level", "warning"],
                "questions to models wait")
            simulate(Topic.watched, machines: 1, rate: 5, ["--inject", "machine=1,nozzle=3,at=60s", "--api", api])
        }
        if topics.contains(Topic.ruled) {
            simulate(Topic.ruled, machines: 2, rate: 4, ["--hall", "hall5", "--seed", "5", "--api", api])
        }
        if topics.contains(Topic.gateway) {
            simulate(
                Topic.gateway, machines: 2, rate: 4,
                ["--hall", "hall6", "--seed", "6", "--key", "gateway-1", "--api", api])
        }
        if hasPager { beginScript("pager/pager.py", ["--port", "\(Self.pagerPort)"], "alerts are not delivered") }
        // A producer may block, and whoever calls must not.
        if topics.contains(Topic.letters) { Thread { [self] in sendLetters() }.start() }
    }

    // MARK: Programs

    private static var programs: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    }

    private func simulate(_ topic: String, machines: Int, rate: Int, _ more: [String]) {
        begin(
            Self.programs.appendingPathComponent("zonesun-simulator"),
            [
                "--brokers", brokers, "--machines", "\(machines)", "--rate", "\(rate)", "--format", "telemetry",
                "--topic-telemetry", topic, "--quiet", "--with-parent",
            ] + more)
    }

    private func beginScript(_ name: String, _ arguments: [String], _ consequence: String) {
        guard let script = Self.script(name) else {
            logger.warning(
                "a program of the example is not here; \(consequence)",
                metadata: ["egiz.reason": "\(Self.folder)/\(name)"])
            return
        }
        begin(script, arguments + ["--with-parent"])
    }

    /// In the working directory, or in the repository that the program was built in.
    private static func script(_ name: String) -> URL? {
        var places = [URL(fileURLWithPath: FileManager.default.currentDirectoryPath)]
        places += [
            programs.appendingPathComponent("../..").standardized,
            programs.appendingPathComponent("../../..").standardized,
        ]
        return places.map { $0.appendingPathComponent("\(folder)/\(name)") }.first {
            FileManager.default.isExecutableFile(atPath: $0.path)
        }
    }

    private func begin(_ program: URL, _ arguments: [String]) {
        let child = Process()
        child.executableURL = program
        child.arguments = arguments
        child.environment = ProcessInfo.processInfo.environment
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

    // MARK: Another system

    /// Three orders that an order system gave up: two for a reason that may pass, one that will never do.
    private func sendLetters() {
        do {
            let producer = try KafkaProducer(brokers: brokers, log: logger)
            defer { producer.close(timeout: .seconds(1)) }
            for (order, code, why) in [
                ("4711", "timeout", "the stock gave no answer"), ("4712", "timeout", "the stock gave no answer"),
                ("4713", "schema", "the order has no address"),
            ] {
                let headers = [
                    ("egiz-dlq-code", code), ("egiz-dlq-message", why), ("egiz-dlq-topic", "orders"),
                ].map { DeadLetter.Header(name: $0.0, value: Array($0.1.utf8)) }
                try producer.send(
                    topic: Topic.letters, key: Array("order-\(order)".utf8),
                    value: Array(#"{"order":\#(order)}"#.utf8), headers: headers)
            }
            producer.flush(timeout: .seconds(10))
        } catch {
            logger.warning("the demo's dead letters cannot be sent", metadata: ["egiz.reason": "\(error)"])
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
