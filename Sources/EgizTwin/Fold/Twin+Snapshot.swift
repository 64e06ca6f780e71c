extension Twin {
    /// Levels of nesting a stored document may have: a path and a value of a thousand levels each, and the thing around.
    private static let documentDepth = 2 * JSONParser.recordDepth + 16

    /// The thing as JSON with `_revision`, `_created`, `_modified` and `_metadata`; nil while unknown or deleted.
    public var document: JSONValue? {
        guard life == .alive else { return nil }
        settleCells()
        var object = JSONObject()
        object.append("thingId", .string(thing.text))
        if let policyID = state.policyID { object.append("policyId", policyID) }
        if let definition = state.definition { object.append("definition", definition) }
        if let attributes = state.attributes { object.append("attributes", attributes) }
        if let features = state.features { object.append("features", features) }
        object.append("_revision", .int(revision))
        if let created = state.created { object.append("_created", .string(created.canonicalText)) }
        if let modified = state.modified { object.append("_modified", .string(modified.canonicalText)) }
        if let metadata = state.metadata { object.append("_metadata", metadata) }
        return .object(object)
    }

    /// The text of `document`, written without making it.
    private func documentText() -> [UInt8]? {
        guard life == .alive else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(lastTextCount + 64)
        func member(_ name: StaticString, _ value: JSONValue?) {
            guard let value else { return }
            Self.append(name, to: &text)
            value.write(into: &text)
        }
        func time(_ name: StaticString, _ value: Timestamp?) {
            guard let value else { return }
            Self.append(name, to: &text)
            text.append(UInt8(ascii: "\""))
            value.write(into: &text)
            text.append(UInt8(ascii: "\""))
        }
        if !writeByTemplate(into: &text) {
            settleCells()
            text.append(contentsOf: #"{"thingId":"#.utf8)
            JSONValue.write(thing.text, into: &text)
            for (name, value) in sections { member(name, value) }
        }
        member(#","_revision":"#, .int(revision))
        time(#","_created":"#, state.created)
        time(#","_modified":"#, state.modified)
        member(#","_metadata":"#, state.metadata)
        text.append(UInt8(ascii: "}"))
        lastTextCount = text.count
        return text
    }

    private var sections: [(name: StaticString, value: JSONValue?)] {
        [
            (#","policyId":"#, state.policyID), (#","definition":"#, state.definition),
            (#","attributes":"#, state.attributes), (#","features":"#, state.features),
        ]
    }

    /// False where there is no template, nor reason to make one.
    private func writeByTemplate(into text: inout [UInt8]) -> Bool {
        guard let cells else { return false }
        if template == nil {
            if steadyTexts < 2 { steadyTexts += 1 }
            guard steadyTexts == 2 else { return false }
            makeTemplate(cells)
        }
        guard let template else { return false }
        template.write(cells, into: &text)
        return true
    }

    private func makeTemplate(_ cells: UnsafeMutablePointer<LeafCell>) {
        for index in 0..<Int(cellCount) { putLeaf(DocumentTemplate.mark(index), cells[index].path) }
        var made = DocumentTemplate()
        made.append(#"{"thingId":"#)
        made.append(.string(thing.text))
        for (name, value) in sections {
            guard let value else { continue }
            made.append(name)
            made.append(value)
        }
        for index in 0..<Int(cellCount) {
            putLeaf(cells[index].value, cells[index].path)
            cells[index].isDirty = false
        }
        hasDirtyCells = false
        steadyTexts = 3
        // Every cell has its leaf; without one a text would lack its value.
        if made.count == Int(cellCount) { template = made }
    }

    private static func append(_ name: StaticString, to text: inout [UInt8]) {
        text.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// The twin as it can be stored; an unknown one has revision 0 and no document.
    public func snapshot() -> TwinSnapshot {
        let bytes = documentText()
        return TwinSnapshot(
            thing: thing, revision: revision, timestamp: timestamp?.canonicalText, document: bytes,
            definition: life == .alive ? state.definition?.string : nil,
            created: life == .alive ? state.created?.eventTime : nil,
            modified: life == .alive ? state.modified?.eventTime : nil)
    }

    /// - Throws: `JSONError` or `TimestampError` if the snapshot was not made by `snapshot()`.
    public convenience init(restoring snapshot: TwinSnapshot, parser: JSONParser) throws {
        self.init(thing: snapshot.thing)
        revision = snapshot.revision
        timestamp = try snapshot.timestamp.map { text throws(TimestampError) in try Timestamp(parsing: text) }
        guard let document = snapshot.document else {
            life = snapshot.revision == 0 ? .unknown : .deleted
            return
        }
        guard case .object(let object) = try parser.parse(document, depth: Self.documentDepth) else {
            throw JSONError("a stored thing is an object")
        }
        life = .alive
        state = ThingState(payload: object)
        state.created = try Self.time(object["_created"])
        state.modified = try Self.time(object["_modified"])
        state.metadata = object["_metadata"]
    }

    private static func time(_ value: JSONValue?) throws(TimestampError) -> Timestamp? {
        guard let value else { return nil }
        guard let text = value.string else { throw TimestampError(message: "a stored time is a string") }
        return try Timestamp(parsing: text)
    }
}
