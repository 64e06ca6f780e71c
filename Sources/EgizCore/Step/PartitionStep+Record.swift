import EgizTwin

/// What one record does to the open epoch: the hot path.
extension PartitionStep {
    func run(_ record: RawRecord, _ redrive: Redrive?) throws(EngineError) -> StepVerdict {
        switch tables.decoder.decode(record.value, format: format, recordTime: record.timestamp) {
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
            if !statefulProcessors.isEmpty {
                if let verdict = try fireDue() { return verdict }
                if tables.room.holdsTicksOnly { return .epochIsFull }
            }
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
        change.removeAll()
        switch entry.twin.apply(event, paths: tables.paths, into: &change) {
        case .ignored(let reason):
            counters.count(reason)
            noteKey(record, thing)
            return .done
        case .rejected(let rejection):
            return refuse(rejection.code, rejection.message, thing, projector, stage.source.onError)
        case .applied(let missed, let reset):
            if let refusal = try run(
                processors, entry, record, event.time, isCreated: !existed && entry.twin.isAlive)
            {
                return refuse(
                    refusal.code, refusal.message, thing, refusal.processor, refusal.disposition)
            }
            absorb(event, entry, record, redrive, missed: missed, reset: reset)
            return .done
        }
    }

    /// Runs processors on the change; nil when all of them accepted the record. Otherwise the entry is as it was before.
    func run(
        _ processors: [ProcessorSlot], _ entry: TwinEntry, _ record: RawRecord, _ time: EventTime, isCreated: Bool
    ) throws(EngineError) -> StepVerdict.Refusal? {
        effects.removeAll()
        effects.thing = entry.twin.thing
        let change = TwinChange(
            thing: entry.twin.thing, revision: entry.twin.revision, time: time, streamTime: streamTime ?? time,
            leaves: self.change.leaves, empties: self.change.empties, paths: tables.paths, twin: entry.twin,
            isCreated: isCreated, topic: record.topic, offset: record.offset)
        for (place, slot) in processors.enumerated() {
            // Where there are gates these are all processors of the step, and the place is theirs.
            guard reaches(place) else {
                decide(place, reached: false, change, &effects)
                continue
            }
            do throws(RecordFault) {
                effects.processor = slot.name
                if let index = slot.stateIndex {
                    entry.states[index].isTouched = true
                    try slot.instance.process(change, memory: entry.states[index].state, into: &effects)
                } else {
                    try slot.instance.process(change, memory: nil, into: &effects)
                }
                if decide(place, reached: true, change, &effects) { effects.countFiltered() }
            } catch {
                effects.removeAll()
                try rebuild(entry)
                return .init(
                    code: error.code, message: error.message, thing: change.thing, processor: slot.name,
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
                .event(event, streamTime: streamTime ?? event.time, topic: record.topic, offset: record.offset))
        }
        if entry.home == nil {
            entry.home = task
            entry.isAtHome = true
            entry.isNew = true
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
        absorb(of: record, at: event.time.microseconds, entry, redrive)
    }

    /// What the processors asked for.
    func absorb(of record: RawRecord, at time: Int64, _ entry: TwinEntry, _ redrive: Redrive?) {
        for sample in effects.samples {
            guard let slot = slot(sample.path, of: entry) else {
                counters.longPaths += 1
                continue
            }
            counters.samples += 1
            open.add(sample.value, at: time, to: slot)
        }
        if !statefulProcessors.isEmpty || effects.hasCounts { absorbTimers() }
        if !effects.emissions.isEmpty { absorbEmissions(of: record, redrive, at: time) }
    }

    /// A touched twin is pinned and will be written whole: that counts against `commit.maxBytes` as well (rule 4). The entry's
    /// estimate is five times its text.
    func touch(_ entry: TwinEntry) {
        if !entry.isTouched { heldBytes += entry.bytes / 5 }
        twins.touch(entry)
    }

    func slot(_ path: PathID, of entry: TwinEntry) -> SeriesSlot? {
        if let known = entry.series.find(path) { return known }
        let text = tables.paths.text(of: path)
        let slot = text.utf8.count <= 1024 ? SeriesSlot(key: SeriesKey(thing: entry.twin.thing, path: text)) : nil
        entry.series.insert(path, slot)
        return slot
    }

    /// Stream time never follows a clock that runs ahead: one event dated 2200 moves nothing (rule 16).
    func advance(_ time: EventTime, recordTime: EventTime) {
        var bounded = time
        if recordTime.microseconds > 0 {
            bounded = min(bounded, recordTime.advanced(byMicroseconds: 60_000_000))
        }
        if streamTime.map({ $0 < bounded }) ?? true { streamTime = bounded }
    }

    private func noteKey(_ record: RawRecord, _ thing: ThingID) {
        let same = record.key.map { thing.isWritten(as: $0) } ?? false
        if !same { counters.keyMismatch += 1 }
    }
}
