public import EgizTwin

/// The pure step of one task: record in, effects of the open epoch out. The stream thread and the test driver run this very
/// code. Confined to one thread; knows no clock, no Kafka and no Postgres.
public final class PartitionStep {
    public let task: TaskID
    public let stage: StageDefinition
    public let twins: TwinCache
    public private(set) var counters: StepCounters
    public private(set) var streamTime: EventTime?
    /// Bytes of record values that the open epoch has taken in, for `commit.maxBytes`.
    public private(set) var openBytes = 0
    /// Records that the open epoch has seen.
    public private(set) var openRecords = 0

    private let tables: StreamTables
    private let projector: String?
    private let processors: [(name: String, instance: any Processor)]
    private let keepsEvents: Bool
    private var change = ChangeBuffer()
    private var effects = RecordEffects()
    private var open = EpochColumns()
    private var createdOpen: [ThingID] = []
    private var createdInFlight: [ThingID] = []

    /// - Parameter resuming: counters and stream time as the task's row has them.
    public init(
        task: TaskID, stage: StageDefinition, registry: ProcessorRegistry, tables: StreamTables,
        counters: StepCounters = StepCounters(), streamTime: EventTime? = nil
    ) throws(TopologyFaults) {
        self.task = task
        self.stage = stage
        self.tables = tables
        self.counters = counters
        self.streamTime = streamTime
        twins = TwinCache(task: task)
        var processors: [(name: String, instance: any Processor)] = []
        var projector: String?
        var keepsEvents = false
        for definition in stage.processors {
            guard let entry = registry[definition.kind] else {
                throw TopologyFaults([TopologyFault(at: definition.mark, "unknown kind \(definition.kind)")])
            }
            if let instance = try entry.make(definition) {
                processors.append((definition.name, instance))
                keepsEvents = keepsEvents || entry.mayRefuse
            } else {
                projector = definition.name
            }
        }
        self.processors = processors
        self.projector = projector
        self.keepsEvents = keepsEvents
    }

    // What this task has created and not committed is no longer its own once the step is dropped.
    deinit { forget(createdOpen + createdInFlight) }

    private func forget(_ things: [ThingID]) {
        for thing in things where tables.created[thing] == task { tables.created[thing] = nil }
    }

    /// Processes one record. Throws only for a bug or a broken state, `.stop`: the topology ends with the record's position.
    public func process(_ record: RawRecord) throws(EngineError) -> StepVerdict {
        let verdict = try run(record)
        switch verdict {
        case .needs: return verdict
        case .refused: counters.deadLetters += 1
        case .done: break
        }
        counters.records += 1
        openRecords += 1
        openBytes += (record.value?.count ?? 0) + 64
        return verdict
    }

    private func run(_ record: RawRecord) throws(EngineError) -> StepVerdict {
        switch tables.decoder.decode(record.value, format: stage.source.format, recordTime: record.timestamp) {
        case .ignored(let reason):
            counters.count(reason)
            return .done
        case .rejected(let rejection):
            return refuse(rejection.code, rejection.message, rejection.thing, projector)
        case .event(let event):
            return try fold(event, record)
        }
    }

    private func fold(_ event: TwinEvent, _ record: RawRecord) throws(EngineError) -> StepVerdict {
        let thing = event.thing
        guard event.time.isAcceptable else {
            return refuse(
                "time", "event time \(event.time) is outside 1970 to 2200; check the clock of the producer", thing,
                projector)
        }
        guard let entry = twins.find(thing) else { return .needs(thing) }
        if let home = entry.home ?? tables.created[thing], home != task {
            return refuseForeign(thing, home)
        }
        if keepsEvents, !entry.hasBase {
            entry.base = entry.twin.isKnown ? entry.twin.snapshot() : nil
            entry.hasBase = true
        }
        change.leaves.removeAll(keepingCapacity: true)
        switch entry.twin.apply(event, paths: tables.paths, into: &change) {
        case .ignored(let reason):
            counters.count(reason)
            noteKey(record, thing)
            return .done
        case .rejected(let rejection):
            return refuse(rejection.code, rejection.message, thing, projector)
        case .applied(let missed, let reset):
            if let refusal = try runProcessors(event, entry) { return .refused(refusal) }
            absorb(event, entry, record, missed: missed, reset: reset)
            return .done
        }
    }

    /// Runs the processors on the change; nil when all of them accepted the record. Otherwise the twin is as it was before.
    private func runProcessors(_ event: TwinEvent, _ entry: TwinEntry) throws(EngineError) -> StepVerdict.Refusal? {
        effects.removeAll()
        let change = TwinChange(
            thing: event.thing, revision: entry.twin.revision, time: event.time, leaves: self.change.leaves,
            paths: tables.paths)
        for (name, processor) in processors {
            do {
                try processor.process(change, into: &effects)
            } catch {
                effects.removeAll()
                try twins.rebuild(entry, paths: tables.paths)
                return .init(code: error.code, message: error.message, thing: event.thing, processor: name)
            }
        }
        return nil
    }

    /// The record succeeded: its effects become part of the open epoch.
    private func absorb(_ event: TwinEvent, _ entry: TwinEntry, _ record: RawRecord, missed: Int64, reset: Bool) {
        if keepsEvents { entry.events.append(event) }
        if entry.home == nil {
            entry.home = task
            tables.created[event.thing] = task
            createdOpen.append(event.thing)
        }
        entry.lastTopic = record.topic
        entry.lastOffset = record.offset
        // A touched twin is pinned and will be written whole: that counts against `commit.maxBytes` as well (rule 4). The
        // entry's estimate is four times its text.
        if !entry.isTouched { openBytes += entry.bytes / 4 }
        twins.touch(entry)
        counters.applied += 1
        if missed > 0 {
            counters.gaps += 1
            counters.miss(missed)
        }
        if reset { counters.resets += 1 }
        noteKey(record, event.thing)
        advance(event.time, recordTime: record.timestamp)
        let time = event.time.microseconds
        for sample in effects.samples {
            guard let slot = slot(sample.path, of: entry) else {
                counters.longPaths += 1
                continue
            }
            counters.samples += 1
            open.add(sample.value, at: time, to: slot)
        }
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

    private func refuse(_ code: String, _ message: String, _ thing: ThingID?, _ processor: String?) -> StepVerdict {
        .refused(.init(code: code, message: message, thing: thing, processor: processor))
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

    // MARK: Loading

    /// Puts loaded twins into the cache; `asked` without a row become known absences.
    public func install(_ rows: [TwinRow], asked: [ThingID]) throws(EngineError) {
        var byThing: [ThingID: TwinRow] = [:]
        for row in rows { byThing[row.snapshot.thing] = row }
        for thing in asked { try twins.install(thing, row: byThing[thing]) }
    }

    // MARK: Epochs

    public var hasOpenWork: Bool { openRecords > 0 || hasTicked }
    /// Stream time moved without a record: it must be stored all the same, so that a fold can repeat it.
    private var hasTicked = false

    /// The log is idle: stream time goes on by `duration`, never beyond `limit`. Without any event yet there is no stream time.
    public func advanceStreamTime(by duration: Duration, notBeyond limit: EventTime) {
        guard let now = streamTime else { return }
        let (seconds, attoseconds) = duration.components
        let later = EventTime(
            microseconds: now.microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        let bounded = min(later, limit)
        guard bounded > now else { return }
        streamTime = bounded
        hasTicked = true
    }

    /// Ends the open epoch of this task and hands out what it has gathered. The cache keeps the twins until `committed`.
    public func closeEpoch(_ number: Int64) -> StepOutput {
        let topics = stage.source.topics
        let rows = twins.close(epoch: number) { entry in
            InputPosition(
                topic: topics[entry.lastTopic].name, partition: task.partition, offset: entry.lastOffset)
        }
        createdInFlight += createdOpen
        createdOpen = []
        open.detach()
        let output = StepOutput(twins: rows, columns: open)
        open = EpochColumns()
        openBytes = 0
        openRecords = 0
        hasTicked = false
        return output
    }

    /// Epoch `number` is committed: its buffers come back, its twins may be evicted down to `cacheBytes`.
    public func committed(_ number: Int64, output: StepOutput, cacheBytes: Int) {
        output.recycle()
        forget(createdInFlight)
        createdInFlight = []
        twins.evict(toBytes: cacheBytes, committed: number)
    }
}
