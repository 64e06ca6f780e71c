/// The path of an event, parsed: which resource it names, its segments, and their numbers in the path table.
final class EventPath {
    /// More levels than a record may nest make no sense in a path either, and would make the state's depth unbounded.
    static let maxSegments = 1000

    let resource: ThingResource
    let segments: [String]
    /// Number of each prefix in the table: `nodes[0]` is the root, the last one is the path itself.
    let nodes: [Int32]
    /// Whose numbers these are.
    let table: ObjectIdentifier
    /// Where each segment was found last among its siblings: things of one type have their members in one order.
    let hints: UnsafeMutablePointer<Int>
    /// Where the path's leaf was found last among the leaf cells of a twin.
    var cellHint = 0
    /// A segment may be a regular expression of Ditto's merge.
    let hasExpression: Bool

    /// The number of the path itself.
    let node: Int32

    convenience init?(parsing raw: UnsafeRawBufferPointer, table: PathTable) {
        guard let segments = Self.split(raw), let resource = Self.resource(segments) else { return nil }
        self.init(segments: segments, resource: resource, table: table)
    }

    init(segments: [String], resource: ThingResource, table: PathTable) {
        self.resource = resource
        self.segments = segments
        self.table = ObjectIdentifier(table)
        nodes = Self.nodes(segments, table)
        node = nodes[nodes.count - 1]
        hints = Self.noHints(segments.count)
        hasExpression = segments.contains(where: MergeExpression.isOne)
    }

    /// The same path with the numbers of another table.
    init(_ other: EventPath, table: PathTable) {
        resource = other.resource
        segments = other.segments
        self.table = ObjectIdentifier(table)
        nodes = Self.nodes(segments, table)
        node = nodes[nodes.count - 1]
        hints = Self.noHints(other.segments.count)
        hasExpression = other.hasExpression
    }

    deinit { hints.deallocate() }

    // Plain memory, owned by this object: an array in a class would be checked for exclusive access at each use.
    private static func noHints(_ count: Int) -> UnsafeMutablePointer<Int> {
        let hints = UnsafeMutablePointer<Int>.allocate(capacity: max(count, 1))
        hints.initialize(repeating: 0, count: max(count, 1))
        return hints
    }

    private static func nodes(_ segments: [String], _ table: PathTable) -> [Int32] {
        var nodes = [PathTable.root]
        for segment in segments { nodes.append(table.child(of: nodes[nodes.count - 1], segment)) }
        return nodes
    }

    /// The decoded segments; nil for a double slash, or too many segments.
    private static func split(_ raw: UnsafeRawBufferPointer) -> [String]? {
        let slash = UInt8(ascii: "/")
        var bytes = raw[...]
        if bytes.first == slash { bytes = bytes.dropFirst() }
        if bytes.last == slash { bytes = bytes.dropLast() }
        // What is left of `/` and of the empty text is the whole thing; `//` would be two empty segments.
        if bytes.isEmpty { return raw.count <= 1 ? [] : nil }
        let parts = bytes.split(separator: slash, maxSplits: maxSegments, omittingEmptySubsequences: false)
        guard parts.count <= maxSegments else { return nil }
        var segments: [String] = []
        segments.reserveCapacity(parts.count)
        for part in parts {
            if part.isEmpty { return nil }
            segments.append(decode(part))
        }
        return segments
    }

    /// `~1` is a slash, then `~0` a tilde; any other tilde stands for itself.
    private static func decode(_ part: Slice<UnsafeRawBufferPointer>) -> String {
        guard part.contains(UInt8(ascii: "~")) else { return String(decoding: part, as: UTF8.self) }
        var bytes: [UInt8] = []
        var index = part.startIndex
        while index < part.endIndex {
            let next = index + 1
            if part[index] == UInt8(ascii: "~"), next < part.endIndex,
                part[next] == UInt8(ascii: "0") || part[next] == UInt8(ascii: "1")
            {
                bytes.append(part[next] == UInt8(ascii: "0") ? UInt8(ascii: "~") : UInt8(ascii: "/"))
                index += 2
            } else {
                bytes.append(part[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func resource(_ segments: [String]) -> ThingResource? {
        guard let first = segments.first else { return .thing }
        switch first {
        case "policyId": return segments.count == 1 ? .policyID : nil
        case "definition": return segments.count == 1 ? .definition : nil
        case "attributes": return segments.count == 1 ? .attributes : .attribute
        case "features": break
        default: return nil
        }
        if segments.count == 1 { return .features }
        if segments.count == 2 { return .feature }
        switch segments[2] {
        case "definition": return segments.count == 3 ? .featureDefinition : nil
        case "properties", "desiredProperties": return segments.count == 3 ? .properties : .property
        default: return nil
        }
    }
}
