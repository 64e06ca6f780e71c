extension Twin {
    /// The value at a path of the thing, its segments those of a JSON pointer; nil where there is none, or no thing.
    public func value(at path: [String]) -> JSONValue? {
        guard life == .alive else { return nil }
        settleCells()
        return stored(at: path)
    }

    /// The value at a place, for who works with scalars. The document is not brought up to date for it: of an array or an object
    /// nothing counts but that it is one.
    public func scalar(at place: LeafPlace, in paths: PathTable) -> JSONValue? {
        guard life == .alive else { return nil }
        if let cells {
            let node = place.node(in: paths)
            let hint = place.cellHint
            if hint < Int(cellCount), cells[hint].node == node { return cells[hint].value }
            for index in 0..<Int(cellCount) where cells[index].node == node {
                place.cellHint = index
                return cells[index].value
            }
        }
        // What has no cell is as it stands in the document.
        return stored(at: place.segments)
    }

    /// In the document as it is, which may be older than the cells.
    private func stored(at path: [String]) -> JSONValue? {
        guard let section = path.first else { return nil }
        var value: JSONValue
        switch section {
        case ThingState.Section.features:
            guard let features = state.features else { return nil }
            value = features
        case ThingState.Section.attributes:
            guard let attributes = state.attributes else { return nil }
            value = attributes
        case ThingState.Section.definition:
            guard let definition = state.definition else { return nil }
            value = definition
        case ThingState.Section.policyID:
            guard let policyID = state.policyID else { return nil }
            value = policyID
        default: return nil
        }
        for segment in path.dropFirst() {
            guard case .object(let object) = value, let next = object[segment] else { return nil }
            value = next
        }
        return value
    }

    /// Appends every leaf that the thing has, as one that was written; none where there is no thing.
    public func leaves(_ paths: PathTable, into buffer: inout ChangeBuffer) {
        guard life == .alive else { return }
        settleCells()
        report(from: ThingState(), to: state, paths, &buffer)
    }

    /// The identifier of the thing's definition; nil where it has none.
    public var definition: String? { life == .alive ? state.definition?.string : nil }

    /// Some event has created it, and none has deleted it since.
    public var isAlive: Bool { life == .alive }

    /// When the thing was last modified, as its document says it in `_modified`; nil where it does not.
    public var modified: String? { life == .alive ? state.modified?.canonicalText : nil }

    /// How many of the path's first segments name the highest part that the thing does not have; nil where all of it is there.
    public func missingDepth(of path: [String]) -> Int? {
        guard let section = path.first else { return nil }
        guard var value = value(at: [section]) else { return 1 }
        for (depth, segment) in path.enumerated().dropFirst() {
            guard case .object(let object) = value, let next = object[segment] else { return depth + 1 }
            value = next
        }
        return nil
    }
}
