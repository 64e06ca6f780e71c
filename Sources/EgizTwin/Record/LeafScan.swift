import CSimdjson

/// The record that `RecordDecoder.scan` has recognised: scalars of one thing, with nothing else to it.
///
/// Valid until the next scan, and while the record's bytes are. Owns plain memory that it uses again; one for each decoder.
public final class LeafScan {
    enum Act {
        /// `created` and `modified`: the value is set.
        case set
        /// A merge patch; it is not null here.
        case merge
    }

    let raw: UnsafeMutablePointer<egiz_scan>
    /// The leaves in `raw`.
    let leaves: UnsafeMutablePointer<egiz_leaf>
    /// The path of each leaf; borrowed from the tables of paths.
    let paths: UnsafeMutablePointer<Unmanaged<EventPath>>
    /// Set by `Twin.write`: the places of the leaves' cells.
    public let cells: UnsafeMutablePointer<Int32>
    /// Whether the value is another one than before; set by `Twin.write`.
    public let changed: UnsafeMutablePointer<Bool>
    /// The path of all features, where telemetry is merged.
    let features: EventPath
    var act = Act.set
    /// Tells one record from another in the marks of cells.
    var serial: UInt32 = 0
    /// What an epoch keeps of the record: its samples, about. Set by `Twin.write`.
    public internal(set) var heldBytes = 0
    /// The event's time: its timestamp, or the record's time.
    public internal(set) var time = EventTime(microseconds: 0)

    private static let page = 4096
    /// What the scanner may read beyond the end of a record, and more.
    private static let beyond = 64
    /// Two pages, for records that end where a page does.
    private let copy: UnsafeMutableRawPointer

    init(features: EventPath) {
        self.features = features
        copy = .allocate(byteCount: 2 * Self.page, alignment: Self.page)
        copy.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Self.page)
        raw = .allocate(capacity: 1)
        raw.initialize(to: egiz_scan())
        leaves = egiz_scan_leaves(raw)
        paths = .allocate(capacity: Int(EGIZ_MOST_LEAVES))
        cells = .allocate(capacity: Int(EGIZ_MOST_LEAVES))
        cells.initialize(repeating: 0, count: Int(EGIZ_MOST_LEAVES))
        changed = .allocate(capacity: Int(EGIZ_MOST_LEAVES))
        changed.initialize(repeating: false, count: Int(EGIZ_MOST_LEAVES))
    }

    deinit {
        copy.deallocate()
        raw.deallocate()
        paths.deallocate()
        cells.deallocate()
        changed.deallocate()
    }

    /// Where the record's bytes can be scanned, which reads on behind them: mostly where they are. At the end of a page a copy serves, or
    /// every hundredth record would go the long way, which forgets the cells of its twin.
    @inline(__always)
    func place(of start: UnsafeRawPointer, _ count: Int) -> UnsafeRawPointer {
        let last = Int(bitPattern: start) &+ count &- 1
        return last & (Self.page &- 1) < Self.page &- Self.beyond ? start : copied(start, count)
    }

    @inline(never)
    private func copied(_ start: UnsafeRawPointer, _ count: Int) -> UnsafeRawPointer {
        guard count > 0, count <= Self.page - Self.beyond else { return start }
        copy.copyMemory(from: start, byteCount: count)
        return UnsafeRawPointer(copy)
    }

    /// Number of leaves, at least one.
    @inline(__always)
    public var count: Int { Int(raw.pointee.count) }

    /// Position in the thing's life; nil for telemetry.
    @inline(__always)
    var revision: Int64? { raw.pointee.revision == 0 ? nil : raw.pointee.revision }

    @inline(__always)
    var timestamp: Timestamp? {
        raw.pointee.has_time == 0
            ? nil : Timestamp(seconds: raw.pointee.seconds, nanoseconds: raw.pointee.nanoseconds)
    }
}
