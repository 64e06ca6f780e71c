/// Turns one machine's life into Ditto Protocol events: `created` first, then what changed and, by turns, what the sensors
/// show. Every event raises the revision by one.
struct DittoReporter: Sendable {
    private(set) var revision: Int64
    private let identity: MachineIdentity
    private let topicPrefix: [UInt8]
    /// What the twin holds; nil until this run has told everything once.
    private var reported: ReportedFacts?
    private var hasMessage = false
    private var turn = 0
    private var sensor = 0

    init(_ identity: MachineIdentity, revision: Int64) {
        self.identity = identity
        self.revision = revision
        topicPrefix = Array("{\"topic\":\"\(identity.namespace)/\(identity.name)/things/twin/events/".utf8)
    }

    /// Writes the next event of `machine` at `time` (microseconds since 1970) into `json`.
    mutating func write(
        _ machine: FillingMachine, _ readings: SensorReadings, at time: Int64, into json: inout JSONText
    ) {
        json.clear()
        json.raw(topicPrefix)
        revision += 1
        turn += 1
        let now = ReportedFacts(machine, readings)
        if revision == 1 {
            created(machine, readings, at: time, into: &json)
            (reported, hasMessage) = (now, machine.errorCode != .none)
        } else if var told = reported {
            // Changes first, but never two in a row: a slow reporter would tell nothing of its sensors.
            if turn % 2 == 0 || !change(machine, now, &told, into: &json) {
                routine(machine, readings, now, &told, into: &json)
            }
            reported = told
        } else {
            // A twin of an earlier run: whatever it held, this feature is now as the machine is.
            merged("/features", into: &json)
            features(machine, readings, withNull: true, into: &json)
            (reported, hasMessage) = (now, machine.errorCode != .none)
        }
        json.raw(",\"revision\":")
        json.int(revision)
        json.raw(",\"timestamp\":")
        json.timestamp(time)
        json.raw("}")
    }

    // MARK: Envelopes, up to the value

    private func modified(_ path: StaticString, into json: inout JSONText) {
        json.raw(
            "modified\",\"headers\":{\"ditto-originator\":\"zonesun:simulator\",\"content-type\":\"application/json\"},\"path\":\""
        )
        json.raw(path)
        json.raw("\",\"value\":")
    }

    private func merged(_ path: StaticString, into json: inout JSONText) {
        json.raw(
            "merged\",\"headers\":{\"ditto-originator\":\"zonesun:simulator\",\"content-type\":\"application/merge-patch+json\"},\"path\":\""
        )
        json.raw(path)
        json.raw("\",\"value\":")
    }

    // MARK: Events

    private func created(
        _ machine: FillingMachine, _ readings: SensorReadings, at time: Int64, into json: inout JSONText
    ) {
        json.raw(
            "created\",\"headers\":{\"ditto-originator\":\"zonesun:simulator\",\"content-type\":\"application/json\"},\"path\":\"/\",\"value\":{\"thingId\":"
        )
        json.string(identity.thingID)
        json.raw(",\"policyId\":")
        json.string("\(identity.namespace):hall")
        json.raw(
            ",\"definition\":\"zonesun:filling-machine:1.0.0\",\"attributes\":{\"manufacturer\":\"Zonesun\",\"model\":\"ZS-XYZ\",\"serial\":"
        )
        json.string(identity.serialNumber)
        json.raw(",\"hall\":")
        json.string(identity.hall)
        json.raw(",\"commissioned\":")
        json.timestamp(time)
        json.raw("},\"features\":")
        features(machine, readings, withNull: false, into: &json)
        json.raw("}")
    }

    private func features(
        _ machine: FillingMachine, _ readings: SensorReadings, withNull: Bool, into json: inout JSONText
    ) {
        json.raw("{\"filler\":{\"properties\":")
        json.filler(machine, readings, withNull: withNull)
        json.raw("},\"tank\":{\"properties\":")
        json.tank(readings)
        json.raw("},\"conveyor\":{\"properties\":")
        json.conveyor(machine, readings)
        json.raw("},\"motor\":{\"properties\":")
        json.motor(readings)
        json.raw("},\"nozzles\":{\"properties\":")
        json.nozzles(machine)
        json.raw("}}")
    }

    /// Tells one thing that differs from what the twin holds; false where nothing does.
    private mutating func change(
        _ machine: FillingMachine, _ now: ReportedFacts, _ told: inout ReportedFacts, into json: inout JSONText
    ) -> Bool {
        if told.status != now.status {
            modified("/features/filler/properties/status", into: &json)
            json.string(now.status.rawValue)
            told.status = now.status
        } else if told.errorCode != now.errorCode {
            modified("/features/filler/properties/errorCode", into: &json)
            json.int(Int64(now.errorCode.rawValue))
            told.errorCode = now.errorCode
        } else if let message = now.errorCode.message, !hasMessage {
            modified("/features/filler/properties/message", into: &json)
            json.string(message)
            hasMessage = true
        } else if now.errorCode == .none, hasMessage {
            json.raw(
                "deleted\",\"headers\":{\"ditto-originator\":\"zonesun:simulator\"},\"path\":\"/features/filler/properties/message\""
            )
            hasMessage = false
        } else if told.blockedNozzle != now.blockedNozzle {
            modified("/features/nozzles/properties/blocked", into: &json)
            json.blockedNozzle(machine)
            told.blockedNozzle = now.blockedNozzle
        } else if told.counters.bottles != now.counters.bottles {
            modified("/features/conveyor/properties/bottles", into: &json)
            json.int(now.counters.bottles)
            told.counters.bottles = now.counters.bottles
        } else if told.counters.rejects != now.counters.rejects {
            modified("/features/conveyor/properties/rejects", into: &json)
            json.int(now.counters.rejects)
            told.counters.rejects = now.counters.rejects
        } else if told.cycles != now.cycles {
            modified("/features/nozzles/properties/volumes", into: &json)
            json.volumes(machine)
            told.cycles = now.cycles
        } else if told.isRefilling != now.isRefilling {
            modified("/features/tank/properties/refilling", into: &json)
            json.bool(now.isRefilling)
            told.isRefilling = now.isRefilling
        } else {
            return false
        }
        return true
    }

    /// Tells the next sensor; now and then a whole feature or a merge of one, as Ditto's clients do.
    private mutating func routine(
        _ machine: FillingMachine, _ readings: SensorReadings, _ now: ReportedFacts, _ told: inout ReportedFacts,
        into json: inout JSONText
    ) {
        if turn % 46 == 0 {
            modified("/features/motor", into: &json)
            json.raw("{\"properties\":")
            json.motor(readings)
            json.raw("}")
        } else if turn % 34 == 0 {
            merged("/features/tank/properties", into: &json)
            json.tank(readings)
            told.isRefilling = now.isRefilling
        } else {
            let next = nextSensor(readings)
            modified(next.path, into: &json)
            json.sensor(next, readings, phase: machine.phase)
        }
    }

    /// The sensor whose turn it is; those that have nothing to show before the first cycle are passed over.
    private mutating func nextSensor(_ readings: SensorReadings) -> Sensor {
        let all = Sensor.allCases
        while true {
            let next = all[sensor % all.count]
            sensor = (sensor + 1) % all.count
            switch next {
            case .fillLevel where readings.fillLevel == nil, .conveyorSpeed where readings.conveyorSpeed == nil:
                continue
            default: return next
            }
        }
    }
}
