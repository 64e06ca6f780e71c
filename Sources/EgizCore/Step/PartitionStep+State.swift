public import EgizTwin

extension PartitionStep {
    /// Keeps the entry as it is at its first touch in the epoch, where a processor may refuse records (rule 5).
    func remember(_ entry: TwinEntry) {
        guard keepsReplays, entry.base == nil else { return }
        entry.base = TwinEntry.Base(
            twin: entry.twin.isKnown ? entry.twin.snapshot() : nil,
            states: entry.states.map { $0.state.copy() })
    }

    /// Builds twin and states anew as they were before the record that is being refused: the base, then this epoch's earlier
    /// events and ticks once more, with their effects dropped (rule 5).
    func rebuild(_ entry: TwinEntry) throws(EngineError) {
        guard let base = entry.base else {
            throw EngineError(.bug, .stop, "the twin \(entry.twin.thing) was refused without a base to go back to")
        }
        try twins.reset(entry, to: base)
        var scratch = RecordEffects()
        scratch.largestRecord = effects.largestRecord
        scratch.thing = entry.twin.thing
        scratch.topics = effects.topics
        scratch.partition = effects.partition
        var buffer = ChangeBuffer()
        for replay in entry.replays {
            scratch.removeAll()
            buffer.removeAll()
            switch replay {
            case .event(let event, let streamTime, let topic, let offset):
                let existed = entry.twin.isAlive
                _ = entry.twin.apply(event, paths: tables.paths, into: &buffer)
                let change = TwinChange(
                    thing: event.thing, revision: entry.twin.revision, time: event.time, streamTime: streamTime,
                    leaves: buffer.leaves, empties: buffer.empties, paths: tables.paths, twin: entry.twin,
                    isCreated: !existed && entry.twin.isAlive, topic: topic, offset: offset)
                try again(change, entry, &scratch)
            case .tick(var tick, let place):
                tick.twin = entry.twin
                call(tick, entry, place, &scratch)
            case .review(let streamTime): review(entry, streamTime, &scratch)
            case .message(let message, let streamTime): deliver(message, entry, streamTime, &scratch)
            }
        }
        // The next refusal begins here, or many of them would cost the square of the epoch.
        entry.base = nil
        entry.replays.removeAll(keepingCapacity: true)
        remember(entry)
    }

    private func again(_ change: borrowing TwinChange, _ entry: TwinEntry, _ scratch: inout RecordEffects)
        throws(EngineError)
    {
        for (place, slot) in processors.enumerated() {
            let reached = reaches(place)
            if reached, let index = slot.stateIndex {
                scratch.processor = slot.name
                entry.states[index].isTouched = true
                do throws(RecordFault) {
                    try slot.instance.process(change, memory: entry.states[index].state, into: &scratch)
                } catch {
                    throw EngineError(
                        .bug, .stop,
                        "processor \(slot.name) refused a record of \(change.thing) when it was repeated, and had accepted it before (\(error.message)): it is not pure"
                    )
                }
            }
            decide(place, reached: reached, change, &scratch)
        }
    }

    // MARK: Loading

    /// Puts what the store answered into the cache; `asked` without a row become known absences.
    public func install(_ rows: [TwinRow], states: [StateRow] = [], asked: [ThingID]) throws(EngineError) {
        var byThing: [ThingID: TwinRow] = [:]
        for row in rows { byThing[row.snapshot.thing] = row }
        var stateRows: [ThingID: [StateRow]] = [:]
        for row in states { stateRows[row.thing, default: []].append(row) }
        for thing in asked {
            try twins.install(thing, row: byThing[thing], states: stateRows[thing] ?? [], of: task)
        }
    }

    // MARK: Snapshots

    struct TouchedRows {
        var twins: [TwinRow] = []
        var states: [StateRow] = []
        var rollups: [RollupRow] = []
        var scenes: [SceneRow] = []
        var alerts: [AlertRow] = []
    }

    /// Encodes what the epoch touched, when it closes (rule 4): twins, changed states, and the rows of projections.
    func snapshotTouched(_ number: Int64, position: (TwinEntry) -> InputPosition) -> TouchedRows {
        var rows = TouchedRows()
        var projections = ProjectionRows(home: task, topics: effects.topics)
        let touched = twins.takeTouched()
        rows.twins.reserveCapacity(touched.count)
        for entry in touched {
            var size = 0
            if entry.isTwinTouched {
                let snapshot = entry.twin.snapshot()
                size = TwinCache.estimate(snapshot)
                var row = TwinRow(snapshot: snapshot, home: task, position: position(entry))
                row.isNew = entry.isNew
                entry.isNew = false
                rows.twins.append(row)
            }
            for slot in processors {
                guard let index = slot.stateIndex, entry.states[index].isTouched else { continue }
                projections.processor = slot.name
                slot.instance.project(entry.twin.thing, memory: entry.states[index].state, into: &projections)
                if let row = snapshot(&entry.states[index], entry.twin.thing, slot) { rows.states.append(row) }
            }
            twins.settle(entry, epoch: number, twinBytes: entry.isTwinTouched ? size : nil)
        }
        rows.rollups = projections.rollups
        rows.scenes = projections.scenes
        rows.alerts = projections.alerts
        return rows
    }

    /// Nil where the snapshot's bytes did not change.
    private func snapshot(_ slot: inout StateSlot, _ thing: ThingID, _ processor: ProcessorSlot) -> StateRow? {
        slot.isTouched = false
        guard let type = processor.stateType else { return nil }
        if slot.state.isEmpty {
            slot.size = 0
            guard slot.storedHash != nil else { return nil }
            slot.storedHash = nil
            return StateRow(home: task, processor: processor.name, thing: thing, version: type.version, bytes: nil)
        }
        writer.removeAll()
        slot.state.encode(into: &writer)
        slot.size = writer.bytes.count
        let hash = StateSlot.hash(writer.bytes)
        guard hash != slot.storedHash else { return nil }
        slot.storedHash = hash
        heldBytes += slot.size
        return StateRow(
            home: task, processor: processor.name, thing: thing, version: type.version, bytes: writer.bytes)
    }
}
