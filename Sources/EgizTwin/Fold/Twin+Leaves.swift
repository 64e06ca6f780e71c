import CSimdjson

/// The short way for events that only write scalars that are there already. It gives the same twin as `apply`; a property test
/// holds the two together.
extension Twin {
    /// What became of a scanned event.
    public enum LeafOutcome {
        /// Nothing happened; `apply` must decide.
        case unusual
        case duplicate
        case stale
        /// The number of revisions between the last one and this.
        case applied(missed: Int64)
    }

    /// Leaves beyond so many go the long way: searching them would cost more than it saves.
    static let mostCells = 512

    /// The cells of the twin, to be indexed by `LeafScan.cells` right after `write`.
    @inline(__always)
    public var leafCells: UnsafeMutablePointer<LeafCell>? { cells }

    /// Writes the leaves of an event that the scanner has recognised, if the twin is alive and has them all, or has nothing yet where
    /// the only one is to be.
    public func write(_ scan: LeafScan) -> LeafOutcome {
        guard life == .alive, state.metadata == nil else { return .unusual }
        scan.heldBytes = 0
        var missed: Int64 = 0
        let next: Int64
        if let revision = scan.revision {
            if revision <= self.revision { return revision == self.revision ? .duplicate : .stale }
            missed = revision - self.revision - 1
            next = revision
        } else {
            let (sum, overflow) = self.revision.addingReportingOverflow(1)
            if overflow { return .unusual }
            next = sum
        }
        let count = scan.count
        scan.serial &+= 1
        var isNew = false
        for leaf in 0..<count {
            var cell = cell(scan.paths[leaf])
            if cell < 0, count == 1, scan.act == .set {
                cell = insert(scan.paths[leaf].takeUnretainedValue(), scan.leaves + leaf)
                isNew = cell >= 0
            }
            guard cell >= 0, let cells, cells[cell].mark != scan.serial else { return .unusual }
            cells[cell].mark = scan.serial
            scan.cells[leaf] = Int32(truncatingIfNeeded: cell)
        }
        guard let cells else { return .unusual }
        // A sample's time and value, twice where the arrays of its column are made while they grow.
        scan.heldBytes = count &* 48
        for leaf in 0..<count {
            let kind = scan.leaves[leaf].kind
            if kind == EGIZ_SCALAR_TEXT {
                // A string's own place in the array and its memory.
                scan.heldBytes &+= 48 &+ Int(scan.leaves[leaf].text_count)
            } else if kind == EGIZ_SCALAR_INTEGER, Int64(bitPattern: scan.leaves[leaf].bits).magnitude > 1 << 53 {
                // Its digits are kept as well.
                scan.heldBytes &+= 64
            }
            scan.changed[leaf] = isNew || Self.set(cells + Int(scan.cells[leaf]), to: scan.leaves + leaf)
        }
        hasDirtyCells = true
        revision = next
        let timestamp = scan.timestamp
        self.timestamp = timestamp
        state.modified = timestamp
        return .applied(missed: missed)
    }

    /// Reports the leaves that `write` has just written.
    public func report(_ scan: LeafScan, into change: inout ChangeBuffer) {
        guard let cells else { return }
        for leaf in 0..<scan.count {
            let cell = cells + Int(scan.cells[leaf])
            change.append(cell.pointee.leafValue, at: cell.pointee.node, changed: scan.changed[leaf])
        }
    }

    /// The event that `write` has just written, for folding it again.
    public func event(of scan: LeafScan) -> TwinEvent {
        let leaves = (0..<scan.count).compactMap { leaf in cells.map { $0[Int(scan.cells[leaf])] } }
        let path = scan.revision == nil ? nil : leaves.first?.path.takeUnretainedValue()
        var event = TwinEvent(
            thing: thing, time: scan.time, revision: scan.revision, timestamp: scan.timestamp,
            action: scan.act == .set ? .modified : .merged, path: path ?? scan.features)
        if path != nil {
            event.value = leaves.first?.value
        } else {
            // Telemetry: a patch of features; of each leaf the segments are features, feature, properties, property.
            var patch = JSONObject()
            for leaf in leaves {
                let segments = leaf.path.takeUnretainedValue().segments
                var feature = patch[segments[1]]?.object ?? JSONObject()
                var properties = feature[segments[2]]?.object ?? JSONObject()
                properties.set(segments[3], leaf.value)
                feature.set(segments[2], .object(properties))
                patch.set(segments[1], .object(feature))
            }
            event.value = .object(patch)
        }
        return event
    }

    /// True where the value is another one now.
    @inline(__always)
    private static func set(_ cell: UnsafeMutablePointer<LeafCell>, to leaf: UnsafePointer<egiz_leaf>) -> Bool {
        let kind = LeafCell.Kind(rawValue: UInt8(truncatingIfNeeded: leaf.pointee.kind)) ?? .null
        switch kind {
        case .double where cell.pointee.kind == .double:
            let changed = Double(bitPattern: cell.pointee.bits) != Double(bitPattern: leaf.pointee.bits)
            cell.pointee.bits = leaf.pointee.bits
            cell.pointee.isDirty = true
            return changed
        case .text where cell.pointee.kind == .text:
            let bytes = UnsafeRawBufferPointer(start: leaf.pointee.text, count: Int(leaf.pointee.text_count))
            let same = cell.pointee.text?.pointee.withUTF8 { Bytes.equal(UnsafeRawBufferPointer($0), bytes) } ?? false
            if !same {
                cell.pointee.set(String(decoding: bytes, as: UTF8.self))
                cell.pointee.isDirty = true
            }
            return !same
        case .null, .no, .yes, .integer, .double, .text: return replace(cell, kind, leaf)
        }
    }

    /// The kind changes, or is one that needs no short way.
    private static func replace(
        _ cell: UnsafeMutablePointer<LeafCell>, _ kind: LeafCell.Kind, _ leaf: UnsafePointer<egiz_leaf>
    ) -> Bool {
        let old = cell.pointee.value
        cell.pointee.kind = kind
        cell.pointee.bits = kind == .integer || kind == .double ? leaf.pointee.bits : 0
        if kind == .text {
            let bytes = UnsafeRawBufferPointer(start: leaf.pointee.text, count: Int(leaf.pointee.text_count))
            cell.pointee.set(String(decoding: bytes, as: UTF8.self))
        }
        cell.pointee.isDirty = true
        return cell.pointee.value != old
    }

    /// The cell of a path; -1 where the document has no scalar there.
    @inline(__always)
    private func cell(_ path: Unmanaged<EventPath>) -> Int {
        path._withUnsafeGuaranteedRef { path in
            let hint = path.cellHint
            let node = path.node
            if let cells, hint < Int(cellCount), cells[hint].node == node { return hint }
            return findCell(path, node)
        }
    }

    private func findCell(_ path: EventPath, _ node: Int32) -> Int {
        if let cells {
            for index in 0..<Int(cellCount) where cells[index].node == node {
                path.cellHint = index
                return index
            }
        }
        guard Int(cellCount) < Self.mostCells, let value = scalar(path),
            let cell = LeafCell(value, path: path, node: node)
        else { return -1 }
        let index = Int(cellCount)
        append(cell)
        path.cellHint = index
        return index
    }

    func append(_ cell: LeafCell) {
        if cellCount == cellCapacity {
            let capacity = max(4, Int(cellCapacity) * 2)
            let larger = UnsafeMutablePointer<LeafCell>.allocate(capacity: capacity)
            if let cells {
                larger.update(from: cells, count: Int(cellCount))
                cells.deallocate()
            }
            cells = larger
            cellCapacity = Int32(truncatingIfNeeded: capacity)
        }
        guard let cells else { return }
        cells[Int(cellCount)] = cell
        cellCount += 1
        forgetTemplate()
    }

    /// The value at the path, walked through objects only; nil where there is none.
    private func scalar(_ path: EventPath) -> JSONValue? {
        var value: JSONValue?
        withSection(path) { value = $0 }
        for level in 1..<path.segments.count {
            guard case .object(let object) = value,
                let position = object.position(of: path.segments[level], hint: path.hints[level])
            else { return nil }
            path.hints[level] = position
            value = object.members[position].value
        }
        return value
    }

    /// Brings the document up to date with the cells.
    func settleCells() {
        guard hasDirtyCells, let cells else { return }
        hasDirtyCells = false
        for index in 0..<Int(cellCount) where cells[index].isDirty {
            cells[index].isDirty = false
            putLeaf(cells[index].value, cells[index].path)
        }
    }

    func putLeaf(_ value: JSONValue, _ path: Unmanaged<EventPath>) {
        let path = path.takeUnretainedValue()
        withSection(path) { section in
            guard var target = section else { return }
            section = nil
            Self.put(value, into: &target, path, 1)
            section = target
        }
    }

    /// The leaf is there: its cell was made from it, and every change of structure has dropped the cells.
    private static func put(_ value: JSONValue, into target: inout JSONValue, _ path: EventPath, _ level: Int) {
        guard level < path.segments.count else {
            target = value
            return
        }
        guard var object = target.takeObject() else { return }
        if let position = object.position(of: path.segments[level], hint: path.hints[level]) {
            put(value, into: &object.members[position].value, path, level + 1)
        }
        target = .object(object)
    }

    /// Brings the document up to date and forgets the cells.
    func dropCells() {
        guard cells != nil else { return }
        settleCells()
        freeCells()
    }

    func freeCells() {
        guard let cells else { return }
        for index in 0..<Int(cellCount) { cells[index].free() }
        cells.deallocate()
        self.cells = nil
        cellCount = 0
        cellCapacity = 0
        hasDirtyCells = false
        forgetTemplate()
    }

    private func forgetTemplate() {
        template = nil
        steadyTexts = 0
    }
}
