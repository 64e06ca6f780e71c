public import EgizTwin

/// The twins that a task has at hand: filled lazily and in batches from the store, bounded in bytes, and never giving up what
/// an uncommitted epoch has touched (rule 4). Lives as long as the task's tenure.
public final class TwinCache {
    private var entries: [ThingID: TwinEntry] = [:]
    /// Clock (second chance) over the entries; a nil is a hole left by eviction.
    private var ring: [TwinEntry] = []
    private var hand = 0
    private var touched: [TwinEntry] = []
    private let task: TaskID
    private let parser = JSONParser()
    /// Estimated bytes of all entries.
    public private(set) var bytes = 0

    init(task: TaskID) { self.task = task }

    public var count: Int { entries.count }

    @inline(__always)
    func find(_ thing: ThingID) -> TwinEntry? { entries[thing] }

    public func contains(_ thing: ThingID) -> Bool { entries[thing] != nil }

    /// Puts what the store answered into the cache; a thing without a row becomes a known absence.
    func install(_ thing: ThingID, row: TwinRow?) throws(EngineError) {
        guard entries[thing] == nil else { return }
        let entry: TwinEntry
        if let row {
            do {
                let twin = try Twin(restoring: row.snapshot, parser: parser)
                entry = TwinEntry(twin: twin, home: row.home)
                entry.bytes = Self.estimate(row.snapshot)
            } catch {
                throw EngineError(
                    .state, .stop,
                    "the stored twin \(thing) cannot be read (\(error)); restore its row in table twin from a backup, or delete the row and replay the log"
                )
            }
        } else {
            entry = TwinEntry(twin: Twin(thing: thing), home: nil)
        }
        entries[thing] = entry
        ring.append(entry)
        bytes += entry.bytes
    }

    func touch(_ entry: TwinEntry) {
        entry.isReferenced = true
        guard !entry.isTouched else { return }
        entry.isTouched = true
        touched.append(entry)
    }

    /// Builds the twin anew as it was before the record that is being refused: the base and this epoch's earlier events (rule 5).
    func rebuild(_ entry: TwinEntry, paths: PathTable) throws(EngineError) {
        let twin: Twin
        if let base = entry.base {
            do { twin = try Twin(restoring: base, parser: parser) } catch {
                throw EngineError(
                    .bug, .stop, "the twin \(base.thing) cannot be restored from its own snapshot: \(error)")
            }
        } else {
            twin = Twin(thing: entry.twin.thing)
        }
        var scratch = ChangeBuffer()
        for event in entry.events { _ = twin.apply(event, paths: paths, into: &scratch) }
        entry.twin = twin
    }

    /// Ends the epoch: the rows of all touched twins, which stay pinned until `committed(through:)` reaches `epoch`.
    func close(epoch: Int64, position: (TwinEntry) -> InputPosition) -> [TwinRow] {
        var rows: [TwinRow] = []
        rows.reserveCapacity(touched.count)
        for entry in touched {
            let snapshot = entry.twin.snapshot()
            bytes -= entry.bytes
            entry.bytes = Self.estimate(snapshot)
            bytes += entry.bytes
            entry.pinnedBy = epoch
            entry.isTouched = false
            entry.base = nil
            entry.hasBase = false
            entry.events.removeAll()
            rows.append(TwinRow(snapshot: snapshot, home: task, position: position(entry)))
        }
        touched.removeAll(keepingCapacity: true)
        return rows
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
                entries[entry.twin.thing] = nil
                bytes -= entry.bytes
                ring.swapAt(hand, ring.count - 1)
                ring.removeLast()
            }
        }
    }

    // A tree of JSON values takes a few times its text; 256 is what an entry costs without a document.
    private static func estimate(_ snapshot: TwinSnapshot) -> Int { 256 + (snapshot.document?.count ?? 0) * 4 }
}
