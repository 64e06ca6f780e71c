import CSimdjson

/// The part of the short way for leaves that are not there yet.
extension Twin {
    /// Writes a scalar where nothing stands yet, with the parents that it needs: what the first event of a leaf does. Nothing but a member
    /// is added, so all other cells stay what they are. Its cell; -1, and nothing has happened, where that is not all there is to it.
    @inline(never)
    func insert(_ path: EventPath, _ leaf: UnsafePointer<egiz_leaf>) -> Int {
        guard Int(cellCount) < Self.mostCells else { return -1 }
        let value = Self.value(of: leaf)
        var isDone = false
        withSection(path) { section in
            guard var target = section else {
                section = Self.nest(value, path, from: 1)
                isDone = true
                return
            }
            section = nil
            isDone = Self.insert(value, into: &target, path, 1)
            section = target
        }
        guard isDone, let cell = LeafCell(value, path: path, node: path.node) else { return -1 }
        let index = Int(cellCount)
        append(cell)
        path.cellHint = index
        return index
    }

    /// False where something stands in the way, or is no object that could take a member.
    private static func insert(
        _ value: JSONValue, into target: inout JSONValue, _ path: EventPath, _ level: Int
    ) -> Bool {
        guard level < path.segments.count, var object = target.takeObject() else { return false }
        var isDone = true
        if let position = object.position(of: path.segments[level], hint: path.hints[level]) {
            path.hints[level] = position
            isDone = insert(value, into: &object.members[position].value, path, level + 1)
        } else {
            object.append(path.segments[level], nest(value, path, from: level + 1))
        }
        target = .object(object)
        return isDone
    }

    private static func value(of leaf: UnsafePointer<egiz_leaf>) -> JSONValue {
        switch LeafCell.Kind(rawValue: UInt8(truncatingIfNeeded: leaf.pointee.kind)) ?? .null {
        case .null: .null
        case .no: .bool(false)
        case .yes: .bool(true)
        case .integer: .int(Int64(bitPattern: leaf.pointee.bits))
        case .double: .double(Double(bitPattern: leaf.pointee.bits))
        case .text:
            .string(
                String(
                    decoding: UnsafeRawBufferPointer(start: leaf.pointee.text, count: Int(leaf.pointee.text_count)),
                    as: UTF8.self))
        }
    }
}
