import ArgumentParser
import Foundation
import ZonesunMachine

@main
struct SimulatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zonesun-simulator",
        abstract: "Simulates Zonesun ZS-XYZ filling machines that push events into Kafka.",
        discussion: """
            Event n is due n / RATE seconds of machine time after the start; the machines
            report in turn. Machine time is real time, unless --unthrottled lets it run
            as fast as possible. The same seed gives the same machines.

            Ctrl-C or SIGTERM stops it: what was sent is flushed, and one line sums up.

            EXAMPLES
              zonesun-simulator                        10 machines, 50 events/s
              zonesun-simulator --format ditto --machines 100 --rate 1000 --duration 5m
              zonesun-simulator --unthrottled --events 200000        a load for tests
              zonesun-simulator --api http://127.0.0.1:8080 goes on from the twins there
              zonesun-simulator --print --events 3     shows records as key|value lines
              zonesun-simulator --inject machine=7,nozzle=3,at=20s   a nozzle clogs after 20 s
            """,
        version: "0.1.0")

    @Option(help: "Number of machines.") var machines = 10
    @Option(help: "Events a second of machine time, of all machines together.") var rate = 50.0
    @Option(
        help:
            "ditto, telemetry, or both: the first half of the machines speaks Ditto (hall 3), the others telemetry (hall 4)."
    )
    var format = MachineMix.both
    @Option(help: "Stop after this much machine time, such as 30s, 5m or 1h.") var duration: MachineTime?
    @Option(help: "Stop after this many events.") var events: Int64?
    @Option(help: "Kafka's bootstrap servers (default: $EGIZ_KAFKA_BROKERS, else 127.0.0.1:9092).") var brokers: String?
    @Option(help: "A librdkafka property as name=value; may be repeated.") var property: [String] = []
    @Option(help: "Seed of all chance.") var seed: UInt64 = 1
    @Option(help: "Topic of the Ditto events.") var topicDitto = "ditto.twin.events.v1"
    @Option(help: "Topic of the telemetry.") var topicTelemetry = "telemetry.v1"
    @Option(
        help: "The hall of all machines, which is part of their ids (default: hall3 for ditto, hall4 for telemetry).")
    var hall: String?
    @Option(help: "The key of all records, as of a gateway, instead of each machine's id.") var key: String?
    @Option(
        help:
            "Time of the first event, RFC 3339 or \"now\" (default: now; with --unthrottled and a bound, so that the run ends now)."
    )
    var startTime: StartTime?
    @Flag(help: "As fast as possible instead of in real time.") var unthrottled = false
    @Option(help: "The query API; existing twins are asked for there and continued, the others created.") var api:
        String?
    @Option(help: "A nozzle that clogs at a machine time: machine=7,nozzle=3,at=20s; may be repeated.") var inject:
        [InjectedClog] = []
    @Flag(help: "Write key|value lines to standard output instead of Kafka.") var print = false
    @Flag(help: "Only the sum at the end, and errors.") var quiet = false
    @Flag(help: "Stop when the process that started this one is gone.") var withParent = false

    func validate() throws {
        guard (1...1_000_000).contains(machines) else {
            throw ValidationError("--machines: found \(machines), expected 1 to 1000000")
        }
        guard rate.isFinite, rate > 0, rate <= 10_000_000 else {
            throw ValidationError("--rate: found \(rate), expected events a second above 0, at most 10000000")
        }
        if let events, events < 0 { throw ValidationError("--events: found \(events), expected 0 or more") }
        for clog in inject where clog.machine > machines {
            throw ValidationError("--inject: found machine \(clog.machine), and there are \(machines)")
        }
        for entry in property where !entry.dropFirst().contains("=") {
            throw ValidationError("--property: found \"\(entry)\", expected name=value with a librdkafka property")
        }
        if let hall,
            !hall.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) })
                || hall.utf8.first.map({ $0 < 0x61 }) ?? true
        {
            throw ValidationError("--hall: found \"\(hall)\", expected lower-case letters and digits such as hall5")
        }
        if let api, HTTPClient(api) == nil {
            throw ValidationError("--api: found \"\(api)\", expected an address such as http://127.0.0.1:8080")
        }
    }

    func run() throws {
        // First of all: threads that start later inherit the blocked signals.
        let stop = StopSignal(withParent: withParent)
        let identities = format.machines(machines, hall: hall)
        let positions = try api.flatMap { HTTPClient($0) }.map {
            try TwinLookup(client: $0, stop: stop).positions(of: identities)
        }
        if stop.isRequested { return }
        let simulation = Simulation(
            Simulation.Configuration(machines: identities, rate: rate, seed: seed, start: start, clogs: inject),
            positions: positions ?? [:])
        let run = SimulationRun(
            simulation: simulation, limit: limit, isThrottled: !unthrottled, stop: stop)
        if print {
            var sink = StandardOutputSink(key: key)
            let outcome = try run.emit(to: &sink)
            sink.flush()
            say("\(outcome.text(machines: machines)) to standard output", always: true)
        } else {
            try push(run, positions: positions)
        }
    }

    private func push(_ run: SimulationRun, positions: [String: TwinPosition]?) throws {
        let brokers = brokers ?? ProcessInfo.processInfo.environment["EGIZ_KAFKA_BROKERS"] ?? "127.0.0.1:9092"
        var sink = try KafkaSink(
            brokers: brokers, properties: property, topicDitto: topicDitto, topicTelemetry: topicTelemetry,
            key: key, stop: run.stop)
        let known = positions?.values.filter { $0.revision > 0 }.count ?? 0
        say(
            "\(machines) machines, \(known) of them continued, \(rate) events/s to \(brokers)\(unthrottled ? ", unthrottled" : "")"
        )
        let outcome = try run.emit(to: &sink)
        // A stop must be quick; a run that came to its end has time to deliver everything.
        let report = sink.close(timeout: outcome.wasStopped ? .seconds(3) : .seconds(60))
        say("\(outcome.text(machines: machines)) to \(brokers): \(report.text)", always: true)
        if !report.isComplete { throw ExitCode(1) }
    }

    /// Number of events after which the run ends by itself.
    private var limit: Int64? {
        let byTime = duration.map { Int64(min(9e15, $0.seconds * rate)) }
        return [events, byTime].compactMap(\.self).min()
    }

    /// Microseconds since 1970 of the first event.
    private var start: Int64 {
        // Whole milliseconds, which Kafka's timestamps keep as well.
        let now = Int64(Date().timeIntervalSince1970 * 1000) * 1000
        switch startTime {
        case .at(let microseconds): return microseconds
        case .now: return now
        case nil:
            guard unthrottled, let limit else { return now }
            return max(0, now - Int64(min(9e15, Double(limit) / rate * 1_000_000)))
        }
    }

    /// Status lines go where the records do not.
    private func say(_ line: String, always: Bool = false) {
        guard always || !quiet else { return }
        (print ? FileHandle.standardError : FileHandle.standardOutput).write(Data("\(line)\n".utf8))
    }
}
