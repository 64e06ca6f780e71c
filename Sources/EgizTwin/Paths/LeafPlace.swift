import Synchronization

/// A path that is looked up in many things again and again: remembers its number in the table of paths, and where the leaf was among
/// the cells of the last twin. From any thread: both are guesses that are checked before they are used.
public final class LeafPlace: Sendable {
    public let segments: [String]
    /// The serial number of the table, then the path's number in it, one word so that the two belong together. 0: not known yet.
    private let known = Atomic<UInt64>(0)
    private let cell = Atomic<Int>(0)

    public init(_ segments: [String]) { self.segments = segments }

    /// The path's number in this table.
    @inline(__always)
    func node(in paths: PathTable) -> Int32 {
        let word = known.load(ordering: .relaxed)
        if UInt32(truncatingIfNeeded: word >> 32) == paths.serial { return Int32(truncatingIfNeeded: word) }
        let node = paths.id(of: segments).raw
        known.store(UInt64(paths.serial) << 32 | UInt64(UInt32(bitPattern: node)), ordering: .relaxed)
        return node
    }

    @inline(__always)
    var cellHint: Int {
        get { cell.load(ordering: .relaxed) }
        set { cell.store(newValue, ordering: .relaxed) }
    }
}
