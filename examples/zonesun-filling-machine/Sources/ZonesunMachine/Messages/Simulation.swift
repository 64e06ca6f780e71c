/// A hall of machines that report in turn, event by event. Pure: time and destination come from the caller.
///
/// Event n is due n / rate seconds of machine time after the start and is reported by machine n modulo machines. Same
/// configuration and positions, same bytes.
public struct Simulation: Sendable {
    public struct Configuration: Sendable {
        public var machines: [MachineIdentity]
        /// Events a second of machine time, of all machines together; above 0.
        public var rate: Double
        public var seed: UInt64
        /// Microseconds since 1970 of the first event.
        public var start: Int64
        /// Nozzles that clog at a time, beside those that do by chance.
        public var clogs: [InjectedClog]

        public init(
            machines: [MachineIdentity], rate: Double, seed: UInt64, start: Int64, clogs: [InjectedClog] = []
        ) {
            (self.machines, self.rate, self.seed, self.start) = (machines, rate, seed, start)
            self.clogs = clogs
        }
    }

    private enum Reporter: Sendable {
        case ditto(DittoReporter)
        case telemetry(TelemetryReporter)
    }

    private struct Member: Sendable {
        let key: [UInt8]
        let format: MessageFormat
        var machine: FillingMachine
        var noise: Xoshiro256
        var reporter: Reporter
        /// Microseconds of machine time lived so far.
        var lived: Int64 = 0
        /// Still to come, the last one first.
        var clogs: [InjectedClog]
    }

    private let configuration: Configuration
    private var members: [Member]
    private var json = JSONText()
    /// Events emitted so far.
    public private(set) var count: Int64 = 0

    /// `positions` by thing id say which twins exist already; the others are created.
    public init(_ configuration: Configuration, positions: [String: TwinPosition] = [:]) {
        precondition(
            configuration.rate > 0 && !configuration.machines.isEmpty, "a simulation needs machines and a rate")
        self.configuration = configuration
        members = configuration.machines.map { identity in
            // Seeds by number, not by order: machine 3 lives the same life whoever else is there.
            var seeds = SplitMix64(seed: configuration.seed &+ UInt64(identity.number) &* 0xD134_2543_DE82_EF95)
            let position = positions[identity.thingID] ?? TwinPosition()
            return Member(
                key: Array(identity.thingID.utf8), format: identity.format,
                machine: FillingMachine(seed: seeds.next(), counters: position.counters),
                noise: Xoshiro256(seed: seeds.next()),
                reporter: identity.format == .ditto
                    ? .ditto(DittoReporter(identity, revision: position.revision))
                    : .telemetry(TelemetryReporter(identity)),
                clogs: configuration.clogs.filter { $0.machine == identity.number }.sorted { $0.at > $1.at })
        }
    }

    /// Microseconds of machine time from the start to the next event.
    public var nextDue: Int64 { Int64((Double(count) * 1_000_000 / configuration.rate).rounded()) }

    /// Lets the machine whose turn it is live up to now and hands its event to `sink`. What `sink` throws ends the run: the
    /// event is not repeated.
    public mutating func emit<Sink: EventSink>(to sink: inout Sink) throws {
        let due = nextDue
        let time = configuration.start + due
        let index = Int(count % Int64(members.count))
        count += 1
        Self.report(&members[index], due: due, time: time, into: &json)
        try sink.send(members[index].format, key: members[index].key, value: json.bytes, time: time)
    }

    private static func report(_ member: inout Member, due: Int64, time: Int64, into json: inout JSONText) {
        while let next = member.clogs.last, next.at <= due {
            member.clogs.removeLast()
            member.machine.advance(microseconds: next.at - member.lived)
            member.lived = max(member.lived, next.at)
            member.machine.clog(nozzle: next.nozzle)
        }
        member.machine.advance(microseconds: due - member.lived)
        member.lived = due
        let readings = member.machine.readings(noise: &member.noise)
        switch member.reporter {
        case .ditto(var reporter):
            reporter.write(member.machine, readings, at: time, into: &json)
            member.reporter = .ditto(reporter)
        case .telemetry(var reporter):
            reporter.write(member.machine, readings, at: time, into: &json)
            member.reporter = .telemetry(reporter)
        }
    }
}
