import Synchronization

/// Gives each path into things a small number, for one stream thread: a tree of interned segments. Ids are stable for the
/// life of the table. Also keeps the event paths it has parsed, by their raw text. Not thread-safe.
public final class PathTable {
    private struct Node {
        var parent: Int32
        var hash: UInt32
        var segment: String
        /// The JSON pointer, made when first asked for.
        var text: String?
    }

    static let root: Int32 = 0
    private static let tables = Atomic<UInt32>(0)

    /// Tells one table from another; never 0. After four billion tables a number may come again.
    let serial: UInt32 = {
        let serial = tables.wrappingAdd(1, ordering: .relaxed).newValue
        return serial == 0 ? tables.wrappingAdd(1, ordering: .relaxed).newValue : serial
    }()

    private var nodes: ContiguousArray<Node> = [Node(parent: -1, hash: 0, segment: "", text: "")]
    /// Open addressing: node numbers, zero (the root, nobody's child) is free.
    private var table = ContiguousArray<Int32>(repeating: 0, count: 256)
    private let parsed = ByteKeyedCache<EventPath>(maxEntries: 200_000, maxKeyBytes: 1024)

    public init() {}

    /// Number of ids given out; each id's `raw` is less.
    public var count: Int { nodes.count }

    /// The path as a JSON pointer (with `~2` for U+0000).
    public func text(of path: PathID) -> String {
        let index = Int(path.raw)
        if let text = nodes[index].text { return text }
        let text = JSONPointer(segments: segments(of: path)).text
        nodes[index].text = text
        return text
    }

    public func segments(of path: PathID) -> [String] {
        var segments: [String] = []
        var node = path.raw
        while node > 0 {
            segments.append(nodes[Int(node)].segment)
            node = nodes[Int(node)].parent
        }
        segments.reverse()
        return segments
    }

    /// The id of a path.
    public func id(of segments: [String]) -> PathID {
        var node = Self.root
        for segment in segments { node = child(of: node, segment) }
        return PathID(raw: node)
    }

    /// The number of the path one segment below `parent`.
    func child(of parent: Int32, _ segment: String) -> Int32 {
        let hash = UInt32(
            truncatingIfNeeded: UTF8Text.hash(
                segment, seed: Bytes.seed &+ UInt64(truncatingIfNeeded: parent) &* 0x9E37_79B9_7F4A_7C15))
        var mask = table.count - 1
        var slot = Int(hash) & mask
        while table[slot] != 0 {
            let index = Int(table[slot])
            if nodes[index].hash == hash, nodes[index].parent == parent,
                UTF8Text.equal(nodes[index].segment, segment)
            {
                return table[slot]
            }
            slot = (slot + 1) & mask
        }
        // Ids are Int32: two billion paths need more memory than a stream thread will ever have.
        let node = Int32(nodes.count)
        var owned = segment
        owned.makeContiguousUTF8()
        nodes.append(Node(parent: parent, hash: hash, segment: owned, text: nil))
        if nodes.count * 2 > table.count {
            table = ContiguousArray(repeating: 0, count: table.count * 2)
            mask = table.count - 1
            for index in 1..<nodes.count {
                var slot = Int(nodes[index].hash) & mask
                while table[slot] != 0 { slot = (slot + 1) & mask }
                table[slot] = Int32(index)
            }
        } else {
            table[slot] = node
        }
        return node
    }

    /// The event path if it was parsed before, without a reference of its own: valid until the next one is parsed.
    @inline(__always)
    func knownPath(_ raw: UnsafeRawBufferPointer) -> Unmanaged<EventPath>? { parsed.borrow(raw) }

    /// The parsed event path for its raw text; nil where that is no path or names no resource.
    @inline(__always)
    func eventPath(_ raw: UnsafeRawBufferPointer) -> EventPath? {
        if let known = parsed.find(raw) { return known }
        guard let path = EventPath(parsing: raw, table: self) else { return nil }
        parsed.insert(raw, path)
        return path
    }
}
