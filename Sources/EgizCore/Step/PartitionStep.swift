public import EgizTwin

/// The pure step of one task: record in, effects of the open epoch out. The stream thread and the test driver run this very
/// code. Confined to one thread; knows no clock, no Kafka and no Postgres.
public final class PartitionStep {
    /// What distinguishes a dead letter that is tried again from a record that comes for the first time.
    public struct Redrive: Sendable {
        /// From 1; part of `egiz-id` (rule 11).
        public var attempt: Int
        /// Later records of its key went on without it: what it emits says so (`egiz-late`, rule 17).
        public var isLate: Bool
        /// The log's incarnation that the record's offset belongs to; nil: the present one.
        public var incarnation: Int32?

        public init(attempt: Int, isLate: Bool, incarnation: Int32? = nil) {
            self.incarnation = incarnation
            self.attempt = attempt
            self.isLate = isLate
        }
    }

    public let task: TaskID
    public let stage: StageDefinition
    public let twins: TwinCache
    public internal(set) var counters: StepCounters
    public internal(set) var streamTime: EventTime?
    /// Bytes that the open epoch holds: samples, twins touched, records emitted, and whole records where something may keep them;
    /// for `commit.maxBytes` (rule 4).
    public var openBytes: Int { heldBytes + open.columns.count * EpochColumns.columnBytes }
    var heldBytes = 0
    /// Records that the open epoch has seen.
    public internal(set) var openRecords = 0
    /// Timers that fired in the open epoch.
    public internal(set) var openTicks = 0

    let tables: StreamTables
    let projector: String?
    let processors: [ProcessorSlot]
    /// Names of the processors with a state, by place in `TwinEntry.states`: what the store must restore.
    public let statefulProcessors: [String]
    /// What ids of emitted records begin with, by the topic's place.
    private(set) var idPrefixes: [String] = []
    /// Of the stage's source: by itself, because reaching into the stage copies it.
    let format: RecordFormat
    let keepsReplays: Bool
    /// What is recorded of leaves, and the processors without the one that says so.
    let recording: LeafRecording?
    let others: [ProcessorSlot]
    /// Something may keep more of a record than its samples.
    let holdsRecords: Bool
    /// Off only in tests, which compare the two ways.
    var takesShortWay = true
    /// Records that went the short way.
    var shortRecords = 0
    /// What `runLeaves` decided where it was neither done nor unusual.
    var shortVerdict = StepVerdict.done
    /// Some processor decides what others see.
    let hasGates: Bool
    /// By the place of a processor: whether the change under way goes on to those that read from it.
    var passed: [Bool]
    /// Works on records instead of twins: the only processor of the stage.
    let ofRecords: (name: String, instance: any RecordProcessor)?
    /// The stage is a caller's: records come with what became of them, see `settle`.
    let callerName: String?
    let parser = JSONParser()
    /// Records need their headers.
    public let readsHeaders: Bool
    /// The stage keeps dead letters of others, some of which are tried again by themselves.
    public let keepsLetters: Bool
    /// The identity of the database.
    let database: String
    /// What models say, written when the epoch closes.
    var predictions: [PredictionRow.Key: PredictionRow] = [:]
    var change = ChangeBuffer()
    var effects = RecordEffects()
    var timers = TimerQueue()
    var parked: ParkedThings
    /// The log's incarnation, part of `egiz-id` (rule 11).
    let incarnation: Int32
    var open = EpochColumns()
    var outputs: [OutputRecord] = []
    /// The open epoch must be committed although no record came: stream time moved, a timer fired, a letter was redriven.
    var hasOtherWork = false
    var idle: TaskAdvance.Idle?
    /// How far the review of things under the rules in force is; nil until rules are installed.
    public internal(set) var rules: RulesProgress?
    /// What the open epoch stores of it.
    var rulesMoved: RulesProgress?
    /// Of the rules in force, without the types of registered things.
    var rulesHash: UInt64?
    /// Registered things that have another type; nil: none.
    var retyping: Retyping?
    var createdOpen: [ThingID] = []
    private var createdInFlight: [ThingID] = []
    var writer = StateWriter()

    /// - Parameters:
    ///   - counters, streamTime, incarnation, parked: as the task's rows have them.
    ///   - largestRecord: bytes that Kafka takes at most, checked when a record is emitted (rule 12).
    ///   - database: the identity of the database.
    public init(
        task: TaskID, stage: StageDefinition, registry: ProcessorRegistry, tables: StreamTables,
        counters: StepCounters = StepCounters(), streamTime: EventTime? = nil, incarnation: Int32 = 1,
        parked: [ThingID: Int] = [:], largestRecord: Int = 1_000_000, database: String = ""
    ) throws(TopologyFaults) {
        self.task = task
        self.stage = stage
        self.tables = tables
        self.counters = counters
        self.streamTime = streamTime
        self.incarnation = incarnation
        self.database = database
        self.parked = ParkedThings(parked, limits: stage.source.park)
        effects.largestRecord = largestRecord
        effects.topics = stage.source.topics.map(\.name)
        effects.partition = task.partition
        var processors: [ProcessorSlot] = []
        var projector: String?
        var stateful: [String] = []
        var mayRefuse = false
        var places: [String: Int] = [:]
        var ofRecords: (name: String, instance: any RecordProcessor)?
        var callerName: String?
        let answers = stage.peers.flatMap { registry[$0.kind]?.spec.writesBack?($0) ?? [] }
        for definition in stage.processors {
            guard let entry = registry[definition.kind] else {
                throw TopologyFaults([TopologyFault(at: definition.mark, "unknown kind \(definition.kind)")])
            }
            if let make = entry.makeOfRecords {
                let instance = try make(definition)
                ofRecords = (definition.name, instance)
                // One with a state has timers and rows like any other.
                guard let stateful = instance as? any Processor, let type = type(of: stateful).stateType else {
                    continue
                }
                processors.append(
                    ProcessorSlot(
                        name: definition.name, instance: stateful, stateType: type, stateIndex: 0,
                        onError: definition.onError))
                continue
            }
            if entry.makeCaller != nil {
                callerName = definition.name
                continue
            }
            if entry.isProjector { projector = definition.name }
            guard let instance = try entry.make(definition) else { continue }
            if !answers.isEmpty { instance.noteAnswers(answers) }
            let stateType = type(of: instance).stateType
            processors.append(
                ProcessorSlot(
                    name: definition.name, instance: instance, stateType: stateType,
                    stateIndex: stateType == nil ? nil : stateful.count, onError: definition.onError,
                    upstream: places[definition.from]))
            if let upstream = places[definition.from] { processors[upstream].isGate = true }
            // What tells of the projector's changes holds none of them back.
            if !entry.isProjector { places[definition.name] = processors.count - 1 }
            if stateType != nil { stateful.append(definition.name) }
            mayRefuse = mayRefuse || instance.refuses
        }
        self.processors = processors
        hasGates = processors.contains(where: \.isGate)
        passed = Array(repeating: true, count: processors.count)
        // Two recordings would need an order between them, and a gate may stand before one.
        let recordings = processors.compactMap(\.instance.leafRecording)
        let records = recordings.count == 1 && !hasGates
        recording = records ? recordings[0] : nil
        others = records ? processors.filter { $0.instance.leafRecording == nil } : processors
        self.projector = projector
        self.ofRecords = ofRecords
        self.callerName = callerName
        statefulProcessors = ofRecords == nil ? stateful : processors.map(\.name)
        readsHeaders = ofRecords.map { type(of: $0.instance).readsBytes } ?? false
        keepsLetters = ofRecords.map { type(of: $0.instance).keepsLetters } ?? false
        keepsReplays = mayRefuse
        format = stage.source.format
        holdsRecords = mayRefuse || !others.isEmpty
        twins = TwinCache(states: processors.compactMap { slot in slot.stateType.map { (slot.name, $0) } })
        idPrefixes = stage.source.topics.map { idPrefix($0.name) }
    }

    // What this task has created and not committed is no longer its own once the step is dropped.
    deinit { forget(createdOpen + createdInFlight) }

    private func forget(_ things: [ThingID]) {
        for thing in things where tables.created[thing] == task { tables.created[thing] = nil }
    }

    /// Processes one record. Throws only for a bug or a broken state, `.stop`: the topology ends with the record's position.
    ///
    /// - Parameters:
    ///   - headers: only looked at where the step `readsHeaders`, and of a caller's dead letter.
    ///   - redrive: the record is a dead letter that is tried again. The caller then settles what the verdict means for the
    ///     letter: `.refused` leaves it where it is, `.done` ends with `released`.
    public func process(
        _ record: RawRecord, headers: [DeadLetter.Header] = [], redrive: Redrive? = nil
    ) throws(EngineError) -> StepVerdict {
        if ofRecords != nil { return settle(try processAsItIs(record, headers, redrive), record, redrive) }
        if callerName != nil { return settle(sendAgain(record, headers, redrive), record, redrive) }
        if redrive == nil, takesShortWay {
            switch try runLeaves(record) {
            case .done:
                heldBytes += holdsRecords ? Self.size(of: record) : tables.decoder.scan.heldBytes
                counters.records += 1
                openRecords += 1
                return .done
            case .settled: return settle(shortVerdict, record, nil)
            case .unusual: break
            }
        }
        return settle(try run(record, redrive), record, redrive)
    }

    private static func size(of record: RawRecord) -> Int {
        (record.value?.count ?? 0) + (record.key?.count ?? 0) + 64
    }

    private func settle(_ verdict: StepVerdict, _ record: RawRecord, _ redrive: Redrive?) -> StepVerdict {
        switch verdict {
        case .needs, .needsTimers, .full, .epochIsFull: return verdict
        case .refused(let refusal):
            if redrive == nil {
                counters.deadLetters += 1
                if refusal.disposition == .parked, let thing = refusal.thing { parked.add(thing) }
            }
        case .queued(let refusal):
            counters.parked += 1
            if let thing = refusal.thing { parked.add(thing) }
        case .done: break
        }
        heldBytes += Self.size(of: record)
        if redrive == nil {
            counters.records += 1
            openRecords += 1
        } else {
            counters.redriven += 1
            hasOtherWork = true
        }
        return verdict
    }

    /// A parked letter of the thing was processed or dropped in the open epoch; true where it was the last, so that the thing's
    /// records go on (rule 18).
    public func released(_ thing: ThingID) -> Bool {
        hasOtherWork = true
        return parked.remove(thing)
    }

    /// A redrive request was looked at: its progress is committed with the epoch.
    public func noteRedrive() { hasOtherWork = true }

    /// A record that Postgres refused becomes a dead letter without being run again (rule 6).
    public func countCondemned(_ record: RawRecord) {
        counters.records += 1
        counters.deadLetters += 1
        openRecords += 1
    }

    /// Things with parked records and their numbers, those of the open epoch included.
    public var parkedCounts: [ThingID: Int] { parked.counts }

    public func isParked(_ thing: ThingID) -> Bool { parked.contains(thing) }

    /// Things that are parked now, those of the open epoch included.
    public var parkedThings: Int { parked.things }

    // MARK: Epochs

    public var hasOpenWork: Bool { openRecords > 0 || hasOtherWork }

    /// The open epoch emits records.
    public var hasOutputs: Bool { !outputs.isEmpty }

    /// Ends the open epoch of this task and hands out what it has gathered. The cache keeps the twins until `committed`.
    public func closeEpoch(_ number: Int64) -> StepOutput {
        let topics = stage.source.topics
        let rows = snapshotTouched(number) { entry in
            InputPosition(
                topic: topics[entry.lastTopic].name, partition: task.partition, offset: entry.lastOffset)
        }
        createdInFlight += createdOpen
        createdOpen = []
        open.detach()
        let answers = predictions.isEmpty ? [] : predictions.values.sorted { $0.key < $1.key }
        predictions.removeAll(keepingCapacity: true)
        let output = StepOutput(
            twins: rows.twins, states: rows.states, timers: timers.close(task), rollups: rows.rollups,
            scenes: rows.scenes, alerts: rows.alerts, predictions: answers, rules: rulesMoved, outputs: outputs,
            idle: idle, columns: open)
        open = EpochColumns()
        outputs = []
        idle = nil
        rulesMoved = nil
        heldBytes = 0
        openRecords = 0
        openTicks = 0
        hasOtherWork = false
        return output
    }

    /// Epoch `number` is committed: its buffers come back, its twins may be evicted down to `cacheBytes`.
    public func committed(_ number: Int64, output: StepOutput, cacheBytes: Int) {
        output.recycle()
        forget(createdInFlight)
        createdInFlight = []
        timers.committed()
        twins.evict(toBytes: cacheBytes, committed: number)
    }
}
