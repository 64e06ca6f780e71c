public import EgizTwin

/// The twins and states that a task has at hand: filled lazily and in batches from the store, bounded in bytes, and never giving
/// up what an uncommitted epoch has touched (rule 4). Lives as long as the task's tenure.
public final class TwinCache {
    /// From thing ids to places in `ring`.
    let index = ThingIndex()
    /// Clock (second chance) over the entries.
    private var ring: ContiguousArray<TwinEntry> = []
    private var hand = 0
    private var touched: [TwinEntry] = []
    /// Name and type of each stateful processor, by place in `TwinEntry.states`.
    private let stateTypes: [(name: String, type: any ProcessorState.Type)]
    private let parser = JSONParser()
    /// Estimated bytes of all entries.
    public private(set) var bytes = 0

    init(states: [(name: String, type: any ProcessorState.Type)]) { stateTypes = states }

    public var count: Int { ring.count }

    @inline(__always)
    func find(_ thing: ThingID) -> TwinEntry? {
        let place = index.find(thing)
        return place < 0 ? nil : ring[place]
    }

    /// The entry at a place that `index` has named.
    @inline(__always)
    func entry(at place: Int) -> TwinEntry { ring[place] }

    public func contains(_ thing: ThingID) -> Bool { index.find(thing) >= 0 }

    /// Whether there is an entry for the thing with these bytes as its id.
    public func contains(_ id: UnsafeRawBufferPointer) -> Bool { index.find(id) >= 0 }

    /// Puts what the store answered into the cache; a thing without a row becomes a known absence.
    func install(_ thing: ThingID, row: TwinRow?, states rows: [StateRow], of task: TaskID) throws(EngineError) {
        guard index.find(thing) < 0 else { return }
        let entry: TwinEntry
        if let row {
            do {
                let twin = try Twin(restoring: row.snapshot, parser: parser)
                entry = TwinEntry(twin: twin, home: row.home)
                entry.isAtHome = row.home == task
                entry.twinBytes = Self.estimate(row.snapshot)
            } catch {
                throw EngineError(
                    .state, .stop,
                    "the stored twin \(thing) cannot be read (\(error)); restore its row in table twin from a backup, or delete the row and replay the log"
                )
            }
        } else {
            entry = TwinEntry(twin: Twin(thing: thing), home: nil)
        }
        for (name, type) in stateTypes {
            guard let stored = rows.first(where: { $0.processor == name }), let bytes = stored.bytes else {
                entry.states.append(StateSlot(state: type.init()))
                continue
            }
            let state = try Self.decode(bytes, version: stored.version, as: type, name, thing)
            entry.states.append(
                StateSlot(state: state, storedHash: StateSlot.hash(bytes), size: bytes.count))
        }
        index.set(thing, to: ring.count)
        ring.append(entry)
        entry.bytes = 0
        weigh(entry)
    }

    private static func decode(
        _ bytes: [UInt8], version: UInt8, as type: any ProcessorState.Type, _ processor: String, _ thing: ThingID
    ) throws(EngineError) -> any ProcessorState {
        let place = "the state of processor \(processor) for \(thing)"
        guard version <= type.version else {
            throw EngineError(
                .state, .stop,
                "\(place) has version \(version), this version of egiz reads up to \(type.version): run the newer version that wrote it"
            )
        }
        var reader = StateReader(bytes)
        do throws(StateFault) {
            let state = try type.init(from: &reader, version: version)
            guard reader.isAtEnd else { throw StateFault("bytes are left over") }
            return state
        } catch {
            throw EngineError(
                .state, .stop,
                "\(place) cannot be read (\(error.message)); restore its row in table state from a backup, or delete it to begin anew"
            )
        }
    }

    func touch(_ entry: TwinEntry) {
        entry.isReferenced = true
        guard !entry.isTouched else { return }
        entry.isTouched = true
        touched.append(entry)
    }

    /// Sets twin and states back to the start of the open epoch.
    func reset(_ entry: TwinEntry, to base: TwinEntry.Base) throws(EngineError) {
        let thing = entry.twin.thing
        if let snapshot = base.twin {
            do { entry.twin = try Twin(restoring: snapshot, parser: parser) } catch {
                throw EngineError(
                    .bug, .stop, "the twin \(thing) cannot be restored from its own snapshot: \(error)")
            }
        } else {
            entry.twin = Twin(thing: thing)
        }
        // The base is used once: `rebuild` takes another.
        for (index, state) in base.states.enumerated() { entry.states[index].state = state }
    }

    /// The entries that the open epoch has touched; each must be settled.
    func takeTouched() -> [TwinEntry] {
        defer { touched.removeAll(keepingCapacity: true) }
        return touched
    }

    /// The entry's part of the epoch is written out: it stays pinned until `epoch` is committed.
    func settle(_ entry: TwinEntry, epoch: Int64, twinBytes: Int?) {
        if let twinBytes { entry.twinBytes = twinBytes }
        weigh(entry)
        entry.pinnedBy = epoch
        entry.isTouched = false
        entry.isTwinTouched = false
        entry.base = nil
        if !entry.replays.isEmpty { entry.replays.removeAll() }
    }

    private func weigh(_ entry: TwinEntry) {
        bytes -= entry.bytes
        // A series has its key, its slot and a column that is kept for the next epoch.
        entry.bytes = entry.twinBytes + entry.series.count * 320
        for state in entry.states { entry.bytes += 64 + state.size * 2 }
        bytes += entry.bytes
    }

    /// Evicts until the cache is within `limit` bytes or nothing is left that may go; `committed` is the last committed epoch.
    func evict(toBytes limit: Int, committed: Int64) {
        guard bytes > limit, !ring.isEmpty else { return }
        var looked = 0
        let most = ring.count * 2
        while bytes > limit, looked < most, !ring.isEmpty {
            looked += 1
            if hand >= ring.count { hand = 0 }
            let entry = ring[hand]
            if entry.isReferenced {
                entry.isReferenced = false
                hand += 1
            } else if entry.isTouched || entry.pinnedBy > committed {
                hand += 1
            } else {
                index.remove(entry.twin.thing)
                bytes -= entry.bytes
                ring.swapAt(hand, ring.count - 1)
                ring.removeLast()
                if hand < ring.count { index.set(ring[hand].twin.thing, to: hand) }
            }
        }
    }

    // A tree of JSON values takes a few times its text, and the text is kept beside it once it is steady; 512 is what an entry costs
    // without a document, its id and place included.
    static func estimate(_ snapshot: TwinSnapshot) -> Int { 512 + (snapshot.document?.count ?? 0) * 5 }
}
