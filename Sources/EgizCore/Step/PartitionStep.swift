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
    /// Bytes that the open epoch holds: records taken in, twins touched, records emitted; for `commit.maxBytes` (rule 4).
    public internal(set) var openBytes = 0
    /// Records that the open epoch has seen.
    public internal(set) var openRecords = 0

    let tables: StreamTables
    let projector: String?
    let processors: [ProcessorSlot]
    /// Names of the processors with a state, by place in `TwinEntry.states`: what the store must restore.
    public let statefulProcessors: [String]
    let keepsReplays: Bool
    var change = ChangeBuffer()
    var effects = RecordEffects()
    var timers = TimerQueue()
    var parked: ParkedThings
    /// The log's incarnation, part of `egiz-id` (rule 11).
    let incarnation: Int32
    private var open = EpochColumns()
    var outputs: [OutputRecord] = []
    /// The open epoch must be committed although no record came: stream time moved, a timer fired, a letter was redriven.
    var hasOtherWork = false
    var idle: TaskAdvance.Idle?
    /// How far the review of things under the rules in force is; nil until rules are installed.
    public internal(set) var rules: RulesProgress?
    /// What the open epoch stores of it.
    var rulesMoved: RulesProgress?
    private var createdOpen: [ThingID] = []
    private var createdInFlight: [ThingID] = []
    var writer = StateWriter()

    /// - Parameters:
    ///   - counters, streamTime, incarnation, parked: as the task's rows have them.
    ///   - largestRecord: bytes that Kafka takes at most, checked when a record is emitted (rule 12).
    public init(
        task: TaskID, stage: StageDefinition, registry: ProcessorRegistry, tables: StreamTables,
        counters: StepCounters = StepCounters(), streamTime: EventTime? = nil, incarnation: Int32 = 1,
        parked: [ThingID: Int] = [:], largestRecord: Int = 1_000_000
    ) throws(TopologyFaults) {
        self.task = task
        self.stage = stage
        self.tables = tables
        self.counters = counters
        self.streamTime = streamTime
        self.incarnation = incarnation
        self.parked = ParkedThings(parked, limits: stage.source.park)
        effects.largestRecord = largestRecord
        effects.topics = stage.source.topics.map(\.name)
        effects.partition = task.partition
        var processors: [ProcessorSlot] = []
        var projector: String?
        var stateful: [String] = []
        var mayRefuse = false
        for definition in stage.processors {
            guard let entry = registry[definition.kind] else {
                throw TopologyFaults([TopologyFault(at: definition.mark, "unknown kind \(definition.kind)")])
            }
            guard let instance = try entry.make(definition) else {
                projector = definition.name
                continue
            }
            let stateType = type(of: instance).stateType
            processors.append(
                ProcessorSlot(
                    name: definition.name, instance: instance, stateType: stateType,
                    stateIndex: stateType == nil ? nil : stateful.count, onError: definition.onError))
            if stateType != nil { stateful.append(definition.name) }
            mayRefuse = mayRefuse || entry.mayRefuse
        }
        self.processors = processors
        self.projector = projector
        statefulProcessors = stateful
        keepsReplays = mayRefuse
        twins = TwinCache(states: processors.compactMap { slot in slot.stateType.map { (slot.name, $0) } })
    }

    // What this task has created and not committed is no longer its own once the step is dropped.
    deinit { forget(createdOpen + createdInFlight) }

    private func forget(_ things: [ThingID]) {
        for thing in things where tables.created[thing] == task { tables.created[thing] = nil }
    }

    /// Processes one record. Throws only for a bug or a broken state, `.stop`: the topology ends with the record's position.
    ///
    /// - Parameter redrive: the record is a dead letter that is tried again. The caller then settles what the verdict means for
    ///   the letter: `.refused` leaves it where it is, `.done` ends with `released`.
    public func process(_ record: RawRecord, redrive: Redrive? = nil) throws(EngineError) -> StepVerdict {
        let verdict = try run(record, redrive)
        switch verdict {
        case .needs, .needsTimers, .full: return verdict
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
        openBytes += (record.value?.count ?? 0) + (record.key?.count ?? 0) + 64
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

    private func run(_ record: RawRecord, _ redrive: Redrive?) throws(EngineError) -> StepVerdict {
        switch tables.decoder.decode(record.value, format: stage.source.format, recordTime: record.timestamp) {
        case .ignored(let reason):
            counters.count(reason)
            return .done
        case .rejected(let rejection):
            return refuse(rejection.code, rejection.message, rejection.thing, projector)
        case .event(let event):
            guard event.time.isAcceptable else {
                return refuse(
                    "time", "event time \(event.time) is outside 1970 to 2200; check the clock of the producer",
                    event.thing, projector)
            }
            advance(event.time, recordTime: record.timestamp)
            // What is due comes first (rule 16).
            if !statefulProcessors.isEmpty, let verdict = try fireDue() { return verdict }
            if redrive == nil, parked.contains(event.thing) {
                if let overflow = parked.overflow(event.thing) { return .full(overflow) }
                return .queued(
                    .init(
                        code: "queued", message: "an earlier record of \(event.thing) is parked", thing: event.thing,
                        processor: nil, disposition: .parked))
            }
            return try fold(event, record, redrive)
        }
    }

    private func fold(_ event: TwinEvent, _ record: RawRecord, _ redrive: Redrive?) throws(EngineError) -> StepVerdict {
        let thing = event.thing
        guard let entry = twins.find(thing) else { return .needs(thing) }
        if let home = entry.home ?? tables.created[thing], home != task {
            return refuseForeign(thing, home)
        }
        remember(entry)
        let existed = entry.twin.isAlive
        change.leaves.removeAll(keepingCapacity: true)
        switch entry.twin.apply(event, paths: tables.paths, into: &change) {
        case .ignored(let reason):
            counters.count(reason)
            noteKey(record, thing)
            return .done
        case .rejected(let rejection):
            return refuse(rejection.code, rejection.message, thing, projector, stage.source.onError)
        case .applied(let missed, let reset):
            if let refusal = try runProcessors(event, entry, record, existed: existed) {
                return refuse(
                    refusal.code, refusal.message, thing, refusal.processor, refusal.disposition)
            }
            absorb(event, entry, record, redrive, missed: missed, reset: reset)
            return .done
        }
    }

    /// Runs the processors on the change; nil when all of them accepted the record. Otherwise the entry is as it was before.
    private func runProcessors(_ event: TwinEvent, _ entry: TwinEntry, _ record: RawRecord, existed: Bool)
        throws(EngineError)
        -> StepVerdict.Refusal?
    {
        effects.removeAll()
        effects.thing = event.thing
        let change = TwinChange(
            thing: event.thing, revision: entry.twin.revision, time: event.time, streamTime: streamTime ?? event.time,
            leaves: self.change.leaves, paths: tables.paths, twin: entry.twin,
            isCreated: !existed && entry.twin.isAlive, topic: record.topic,
            offset: record.offset)
        for slot in processors {
            do throws(RecordFault) {
                effects.processor = slot.name
                if let index = slot.stateIndex {
                    entry.states[index].isTouched = true
                    try slot.instance.process(change, memory: entry.states[index].state, into: &effects)
                } else {
                    try slot.instance.process(change, memory: nil, into: &effects)
                }
            } catch {
                effects.removeAll()
                try rebuild(entry)
                return .init(
                    code: error.code, message: error.message, thing: event.thing, processor: slot.name,
                    disposition: slot.onError)
            }
        }
        return nil
    }

    /// The record succeeded: its effects become part of the open epoch.
    private func absorb(
        _ event: TwinEvent, _ entry: TwinEntry, _ record: RawRecord, _ redrive: Redrive?, missed: Int64, reset: Bool
    ) {
        if keepsReplays {
            entry.replays.append(
                .event(
                    event, streamTime: streamTime ?? event.time, topic: record.topic, offset: record.offset))
        }
        if entry.home == nil {
            entry.home = task
            tables.created[event.thing] = task
            createdOpen.append(event.thing)
        }
        if redrive == nil {
            entry.lastTopic = record.topic
            entry.lastOffset = record.offset
        } else if entry.lastOffset < 0 {
            entry.lastTopic = record.topic
            entry.lastOffset = record.offset
        }
        touch(entry)
        entry.isTwinTouched = true
        counters.applied += 1
        if missed > 0 {
            counters.gaps += 1
            counters.miss(missed)
        }
        if reset { counters.resets += 1 }
        noteKey(record, event.thing)
        let time = event.time.microseconds
        for sample in effects.samples {
            guard let slot = slot(sample.path, of: entry) else {
                counters.longPaths += 1
                continue
            }
            counters.samples += 1
            open.add(sample.value, at: time, to: slot)
        }
        if !statefulProcessors.isEmpty { absorbTimers() }
        if !effects.emissions.isEmpty { absorbEmissions(of: record, redrive, at: time) }
    }

    /// A touched twin is pinned and will be written whole: that counts against `commit.maxBytes` as well (rule 4). The entry's
    /// estimate is four times its text.
    func touch(_ entry: TwinEntry) {
        if !entry.isTouched { openBytes += entry.bytes / 4 }
        twins.touch(entry)
    }

    private func slot(_ path: PathID, of entry: TwinEntry) -> SeriesSlot? {
        if let known = entry.series.find(path) { return known }
        let text = tables.paths.text(of: path)
        let slot = text.utf8.count <= 1024 ? SeriesSlot(key: SeriesKey(thing: entry.twin.thing, path: text)) : nil
        entry.series.insert(path, slot)
        return slot
    }

    /// Stream time never follows a clock that runs ahead: one event dated 2200 moves nothing (rule 16).
    private func advance(_ time: EventTime, recordTime: EventTime) {
        var bounded = time
        if recordTime.microseconds > 0 {
            bounded = min(bounded, recordTime.advanced(byMicroseconds: 60_000_000))
        }
        if streamTime.map({ $0 < bounded }) ?? true { streamTime = bounded }
    }

    private func noteKey(_ record: RawRecord, _ thing: ThingID) {
        var text = thing.text
        let same = text.withUTF8 { id in
            record.key.map { $0.count == id.count && $0.elementsEqual(UnsafeRawBufferPointer(id)) } ?? false
        }
        if !same { counters.keyMismatch += 1 }
    }

    private func refuse(
        _ code: String, _ message: String, _ thing: ThingID?, _ processor: String?,
        _ disposition: DeadLetter.Disposition = .dead
    ) -> StepVerdict {
        guard disposition == .parked, let thing else {
            return .refused(.init(code: code, message: message, thing: thing, processor: processor))
        }
        // A record that is redriven has its place in the queue already.
        if !parked.contains(thing), let overflow = parked.overflow(thing) {
            return .full("\(overflow); the record to be parked was refused: \(message)")
        }
        return .refused(
            .init(code: code, message: message, thing: thing, processor: processor, disposition: .parked))
    }

    private func refuseForeign(_ thing: ThingID, _ home: TaskID) -> StepVerdict {
        if home.stage != task.stage {
            return refuse(
                "owner",
                "\(thing) belongs to stage \(home.stage), which created it; use another namespace, or one stage for both topics",
                thing, projector)
        }
        return refuse(
            "partition",
            "\(thing) lives in partition \(home.partition), the record came in \(task.partition); produce with the partitioner murmur2_random and the thing id as key",
            thing, projector)
    }

    // MARK: Epochs

    public var hasOpenWork: Bool { openRecords > 0 || hasOtherWork }

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
        let output = StepOutput(
            twins: rows.twins, states: rows.states, timers: timers.close(task), rollups: rows.rollups,
            scenes: rows.scenes, alerts: rows.alerts, rules: rulesMoved, outputs: outputs, idle: idle, columns: open)
        open = EpochColumns()
        outputs = []
        idle = nil
        rulesMoved = nil
        openBytes = 0
        openRecords = 0
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
