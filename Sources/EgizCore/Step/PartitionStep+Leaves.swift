import EgizTwin

/// The short way of the records that machines send all day: scalars, written where scalars are. It does what `run` would do, which
/// property tests hold it to; whatever is unusual it leaves to `run`, and before it has changed anything that would not be the same
/// when it is done again.
extension PartitionStep {
    /// What an owner of a leaf's cell says besides a series.
    private enum Owner {
        /// Not recorded.
        static var silent: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }
        /// History cannot hold the path.
        static var tooLong: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 2) }
    }

    enum ShortWay {
        /// Processed; its effects are part of the open epoch.
        case done
        /// Nothing has happened that `run` would not do again: it must look at the record.
        case unusual
        /// `shortVerdict` says what else became of it.
        case settled
    }

    func runLeaves(_ record: RawRecord) throws(EngineError) -> ShortWay {
        guard let value = record.value, let key = record.key, parked.total == 0 else { return .unusual }
        let scan = tables.decoder.scan
        let place = tables.decoder.scan(
            value, key: key, format: format, recordTime: record.timestamp, in: twins.index)
        guard place >= 0, scan.time.isAcceptable else { return .unusual }
        let entry = twins.entry(at: place)
        guard entry.isAtHome else { return .unusual }
        advance(scan.time, recordTime: record.timestamp)
        // What is due comes first (rule 16).
        if !statefulProcessors.isEmpty {
            if let verdict = try fireDue() {
                shortVerdict = verdict
                return .settled
            }
            if tables.room.holdsTicksOnly {
                shortVerdict = .epochIsFull
                return .settled
            }
        }
        remember(entry)
        switch entry.twin.write(scan) {
        case .unusual: return .unusual
        case .duplicate: counters.count(.duplicate)
        case .stale: counters.count(.stale)
        case .applied(let missed):
            if !others.isEmpty, let refusal = try runOthers(scan, entry, record) {
                shortVerdict = refuse(
                    refusal.code, refusal.message, entry.twin.thing, refusal.processor, refusal.disposition)
                return .settled
            }
            if keepsReplays {
                entry.replays.append(
                    .event(
                        entry.twin.event(of: scan), streamTime: streamTime ?? scan.time, topic: record.topic,
                        offset: record.offset))
            }
            entry.lastTopic = record.topic
            entry.lastOffset = record.offset
            touch(entry)
            entry.isTwinTouched = true
            counters.applied += 1
            if missed > 0 {
                counters.gaps += 1
                counters.miss(missed)
            }
            recordLeaves(scan, entry)
            if !others.isEmpty { absorb(of: record, at: scan.time.microseconds, entry, nil) }
        }
        shortRecords += 1
        return .done
    }

    /// Runs the processors that want to see the change. The twin was there before: only such a one has leaves.
    private func runOthers(
        _ scan: LeafScan, _ entry: TwinEntry, _ record: RawRecord
    ) throws(EngineError) -> StepVerdict.Refusal? {
        change.removeAll()
        entry.twin.report(scan, into: &change)
        return try run(others, entry, record, scan.time, isCreated: false)
    }

    @inline(__always)
    private func recordLeaves(_ scan: LeafScan, _ entry: TwinEntry) {
        guard let recording, let cells = entry.twin.leafCells else { return }
        let time = scan.time.microseconds
        for leaf in 0..<scan.count {
            let cell = cells + Int(scan.cells[leaf])
            guard let owner = cell.pointee.owner ?? resolve(cell, entry, recording) else { continue }
            if owner == Owner.silent { continue }
            if owner == Owner.tooLong {
                counters.longPaths += 1
                continue
            }
            counters.samples += 1
            Unmanaged<SeriesSlot>.fromOpaque(owner)._withUnsafeGuaranteedRef { open.add(cell, at: time, to: $0) }
        }
    }

    /// What the cell's owner is from now on. The entry keeps its series as long as itself, and with it its twin's cells.
    @inline(never)
    private func resolve(_ cell: UnsafeMutablePointer<LeafCell>, _ entry: TwinEntry, _ recording: LeafRecording)
        -> UnsafeMutableRawPointer?
    {
        let path = cell.pointee.pathID
        if !recording.records(path, in: tables.paths) {
            cell.pointee.owner = Owner.silent
        } else if let slot = slot(path, of: entry) {
            cell.pointee.owner = Unmanaged.passUnretained(slot).toOpaque()
        } else {
            cell.pointee.owner = Owner.tooLong
        }
        return cell.pointee.owner
    }
}
