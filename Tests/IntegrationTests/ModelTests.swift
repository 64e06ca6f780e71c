import EgizPostgres
import EgizKafka
import EgizTesting
import EgizTwin
import Foundation
import Hummingbird
import Logging
import Synchronization
import Testing
import ZonesunMachine

/// A nozzle clogs, a model sees it, an alert is raised and an object turns red: through Kafka, Postgres and HTTP.
@Suite(.serialized)
struct ModelTests {
    private static let start: Int64 = 1_772_431_200_000_000
    private static let thing = "zonesun.hall4:filler-01"
    private static let service = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("examples/zonesun-filling-machine/ml-service")
    /// The Python environment of the example's service, which `make test-ml` and `make up` make.
    private static let hasService = FileManager.default.isExecutableFile(
        atPath: service.appendingPathComponent("../../../.egiz-venv-ml/bin/python").standardized.path)

    // MARK: The machine

    private struct Sink: EventSink {
        var records: [(time: Int64, value: [UInt8])] = []

        mutating func send(_ format: MessageFormat, key: [UInt8], value: [UInt8], time: Int64) {
            records.append((time, value))
        }
    }

    /// One machine's telemetry of so many seconds, ten records a second.
    private func telemetry(seconds: Int, clogs: [InjectedClog]) throws -> [(time: Int64, value: [UInt8])] {
        var simulation = Simulation(
            .init(machines: MachineMix.telemetry.machines(1), rate: 10, seed: 3, start: Self.start, clogs: clogs))
        var sink = Sink()
        for _ in 0..<(seconds * 10) { try simulation.emit(to: &sink) }
        return sink.records
    }

    private func phase(_ value: [UInt8]) -> String? {
        let features = try? JSONParser().parse(value).object?["features"]?.object
        return features?["filler"]?.object?["phase"]?.string
    }

    /// The middle of a dose, once the machine has filled some bottles; microseconds from the start.
    private func middleOfADose(_ records: [(time: Int64, value: [UInt8])]) throws -> Int64 {
        var before: String?
        for (time, value) in records where time >= Self.start + 30_000_000 {
            guard let now = phase(value) else { continue }
            if now == "filling", before != nil, before != "filling" { return time - Self.start + 500_000 }
            before = now
        }
        throw CancellationError()
    }

    // MARK: The topology

    private func write(_ world: TestWorld, endpoint: String) throws -> URL {
        let file = world.folder.appendingPathComponent("ml.yaml")
        var text = try String(
            contentsOf: Self.service.appendingPathComponent("../../../Topologies/filling-ml.yaml").standardized,
            encoding: .utf8)
        for (own, other) in [
            ("name: filling-ml", "name: ml-\(world.suffix)"), ("http://127.0.0.1:8000", endpoint),
            ("filling.telemetry.v1", world.topic("telemetry")), ("partitions: 2", "partitions: 1"),
            ("name: ml.input.v1.nozzle-anomaly", "name: \(world.topic("input"))"),
            ("name: ml.output.v1.nozzle-anomaly", "name: \(world.topic("output"))"),
            ("trigger: event\n", "trigger: event\n      to: \(world.topic("input"))\n"),
            ("timeout: 2s\n", "timeout: 2s\n      to: \(world.topic("output"))\n"),
        ] {
            #expect(text.contains(own), "\(own)")
            text = text.replacingOccurrences(of: own, with: other)
        }
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    /// Injects a clog and expects the alert and the red object within five seconds, those of the machine and those of the clock together.
    private func expectRedWithinFiveSeconds(_ world: TestWorld, endpoint: String) throws {
        let worker = try world.startWorker(try write(world, endpoint: endpoint))
        defer { worker.stop() }
        let clog = try middleOfADose(try telemetry(seconds: 60, clogs: []))
        let records = try telemetry(
            seconds: Int(clog / 1_000_000) + 6, clogs: [InjectedClog(machine: 1, nozzle: 3, at: clog)])
        let producer = try KafkaProducer(brokers: world.brokers, log: Logger(label: "test"))
        func send(_ records: ArraySlice<(time: Int64, value: [UInt8])>) throws {
            for record in records {
                try producer.send(
                    topic: world.topic("telemetry"), key: Array(Self.thing.utf8), value: record.value,
                    timestamp: EventTime(microseconds: record.time))
            }
            #expect(producer.flush(timeout: .seconds(10)))
        }
        let healthy = records.firstIndex { $0.time >= Self.start + clog } ?? records.count
        let connection = try world.connect()
        func color() throws -> String? {
            try connection.query("select value::text from egiz.scene where object_name = 'FillingHead'").first?.text(0)
        }
        try send(records[..<healthy])
        #expect(try eventually(within: 60) { try color() == ##""#00ff00""## }, "\(worker.output)")
        // Everything about the healthy machine is asked and answered before the clock starts.
        #expect(
            try eventually(within: 60) {
                try connection.query(
                    "select 1 from egiz.ml_prediction where event_time >= to_timestamp($1::float8 / 1000000)",
                    [.double(Double(records[healthy - 2].time))]
                ).first != nil
            }, "\(worker.output)")
        #expect(try connection.query("select 1 from egiz.alert").isEmpty)
        let sent = ContinuousClock.now
        try send(records[healthy...])
        #expect(try eventually(within: 20) { try color() == ##""#ff0000""## }, "\(worker.output)")
        let clock = sent.duration(to: .now)
        let alert = try #require(
            try connection.query("select extract(epoch from raised_at)::float8, state, message from egiz.alert").first)
        let machine = (alert.double(0) ?? 0) - Double(Self.start + clog) / 1_000_000
        #expect(alert.text(1) == "raised" && machine > 0)
        #expect(
            clock + .seconds(machine) < .seconds(5), "\(machine) s of the machine and \(clock) of the clock")
    }

    // MARK: Models

    /// A model of a few lines: the nozzles let less pass than they did, at a steady flow.
    private static func clogScore(_ features: JSONObject?) -> Double {
        guard case .array(let flow)? = features?["flow"], case .array(let pressure)? = features?["pressure"] else {
            return 0
        }
        func pair(_ sample: JSONValue) -> (Double, Double)? {
            guard case .array(let pair) = sample, pair.count == 2 else { return nil }
            func number(_ value: JSONValue) -> Double {
                switch value {
                case .int(let number): Double(number)
                case .double(let number): number
                default: .nan
                }
            }
            return (number(pair[0]), number(pair[1]))
        }
        let pressures = Dictionary(pressure.compactMap(pair), uniquingKeysWith: { $1 })
        let passages = flow.compactMap(pair).compactMap { time, flow in
            pressures[time].flatMap { flow > 300 && $0 > 0 ? flow / $0.squareRoot() : nil }
        }
        guard let most = passages.max(), passages.count >= 4 else { return 0 }
        return passages.suffix(4).allSatisfy { $0 < 0.9 * most } ? 0.98 : 0.01
    }

    private func with(_ body: (TestWorld, String) throws -> Void) async throws {
        let port = Mutex<Int?>(nil)
        let router = Router()
        router.post("/predict/nozzle-anomaly") { request, _ in
            let buffer = try await request.body.collect(upTo: 1 << 20)
            guard
                case .array(let instances)? = try JSONParser().parse(Array(buffer.readableBytesView)).object?[
                    "instances"]
            else { throw HTTPError(.unprocessableContent) }
            let scores = instances.map { "{\"score\":\(Self.clogScore($0.object))}" }.joined(separator: ",")
            return "{\"predictions\":[\(scores)],\"model_version\":\"1\"}"
        }
        var logger = Logger(label: "model")
        logger.logLevel = .error
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.withLock { $0 = channel.localAddress?.port } }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            try await blocking {
                #expect(eventually(within: 20) { port.withLock { $0 } != nil })
                let world = try TestWorld(topics: [("telemetry", 1), ("input", 1), ("output", 1)])
                try body(world, "http://127.0.0.1:\(port.withLock { $0 ?? 0 })")
            }
            group.cancelAll()
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func aClogThatAModelSeesTurnsAnObjectRedWithinFiveSeconds() async throws {
        try await with { world, endpoint in try expectRedWithinFiveSeconds(world, endpoint: endpoint) }
    }

    @Test(.enabled(if: hasService, "`make test-ml` makes the Python environment"), .timeLimit(.minutes(3)))
    func theModelOfTheExampleSeesAnInjectedClogWithinFiveSeconds() async throws {
        try await blocking {
            let world = try TestWorld(topics: [("telemetry", 1), ("input", 1), ("output", 1)])
            let address = world.folder.appendingPathComponent("address")
            let service = try Program(
                Self.service.appendingPathComponent("run.sh").path,
                ["--address-file", address.path, "--with-parent", "--log-level", "warning"])
            defer { service.stop() }
            var endpoint: String?
            #expect(
                eventually(within: 60) {
                    endpoint = try? String(contentsOf: address, encoding: .utf8)
                        .trimmingCharacters(in: .whitespacesAndNewlines)
                    return endpoint?.isEmpty == false
                }, "\(service.output)")
            try expectRedWithinFiveSeconds(world, endpoint: try #require(endpoint))
        }
    }
}
