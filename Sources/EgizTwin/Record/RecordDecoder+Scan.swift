import CSimdjson

extension RecordDecoder {
    /// Recognises what machines send all day: an event that writes scalars at paths known already, of a thing in `index` whose id
    /// is the record's key. Returns the thing's number there; -1 says nothing about the record, which `decode` must look at then.
    ///
    /// Whatever is recognised, `decode` reads the same.
    public func scan(
        _ value: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, format: RecordFormat, recordTime: EventTime,
        in index: ThingIndex
    ) -> Int {
        guard let given = value.baseAddress else { return -1 }
        let start = scan.place(of: given, value.count)
        var namespaceCount = 0
        let place: Int
        switch format {
        case .ditto:
            guard egiz_scan_ditto(scan.raw, start, value.count) != 0 else { return -1 }
            place = index.find(key, namespaceCount: &namespaceCount)
            guard place >= 0, isTopic(of: key, namespaceCount), let path = dittoPath() else { return -1 }
            scan.paths[0] = path
        case .telemetry:
            guard egiz_scan_telemetry(scan.raw, start, value.count) != 0 else { return -1 }
            let thing = UnsafeRawBufferPointer(start: scan.raw.pointee.thing, count: Int(scan.raw.pointee.thing_count))
            guard Bytes.equal(thing, key) else { return -1 }
            place = index.find(key, namespaceCount: &namespaceCount)
            if place < 0 { return -1 }
            var areKnown = true
            for leaf in 0..<scan.count {
                if scan.leaves[leaf].kind == EGIZ_SCALAR_NULL { return -1 }
                if let path = telemetryPath(scan.leaves[leaf]) { scan.paths[leaf] = path } else { areKnown = false }
            }
            // All of them are learned at once, or each record would teach one and go the long way.
            if !areKnown { return -1 }
            if scan.raw.pointee.has_time == 0 {
                let time = Timestamp(recordTime)
                scan.raw.pointee.seconds = time.seconds
                scan.raw.pointee.nanoseconds = time.nanoseconds
                scan.raw.pointee.has_time = 1
            }
            scan.act = .merge
        case .json: return -1
        }
        scan.time = scan.timestamp?.eventTime ?? recordTime
        return place
    }

    /// Whether the topic is the key's thing's, and says created, modified or merged.
    @inline(__always)
    private func isTopic(of key: UnsafeRawBufferPointer, _ namespaceCount: Int) -> Bool {
        let count = Int(scan.raw.pointee.thing_count)
        let action = count - key.count - Self.topicMiddle.utf8CodeUnitCount
        guard action > 0, let id = key.baseAddress, let topic = UnsafeRawPointer(scan.raw.pointee.thing) else {
            return false
        }
        guard Bytes.equal(topic, id, namespaceCount),
            topic.load(fromByteOffset: namespaceCount, as: UInt8.self) == 0x2F,
            Bytes.equal(topic + namespaceCount + 1, id + namespaceCount + 1, key.count - namespaceCount - 1),
            Bytes.equal(topic + key.count, Self.topicMiddle.utf8Start, Self.topicMiddle.utf8CodeUnitCount)
        else { return false }
        let word = UnsafeRawBufferPointer(start: topic + (count - action), count: action)
        if word.equals("modified") || word.equals("created") {
            scan.act = .set
            return true
        }
        scan.act = .merge
        return word.equals("merged") && scan.leaves[0].kind != EGIZ_SCALAR_NULL
    }

    private static var topicMiddle: StaticString { "/things/twin/events/" }

    @inline(__always)
    private func dittoPath() -> Unmanaged<EventPath>? {
        let raw = UnsafeRawBufferPointer(start: scan.leaves[0].name, count: Int(scan.leaves[0].name_count))
        guard let path = paths.knownPath(raw) else { return nil }
        switch path._withUnsafeGuaranteedRef({ $0.resource }) {
        case .attribute, .property: return path
        case .thing, .policyID, .definition, .attributes, .features, .feature, .featureDefinition, .properties:
            return nil
        }
    }

    /// Features and properties are named apart; their path is kept under both names with a NUL between, which neither can have.
    @inline(__always)
    private func telemetryPath(_ leaf: egiz_leaf) -> Unmanaged<EventPath>? {
        let feature = Int(leaf.name_count)
        let property = Int(leaf.property_count)
        guard feature + property < Self.mostNameBytes, let from = leaf.name, let then = leaf.property else {
            return nil
        }
        names.copyMemory(from: from, byteCount: feature)
        names.storeBytes(of: 0, toByteOffset: feature, as: UInt8.self)
        (names + feature + 1).copyMemory(from: then, byteCount: property)
        let key = UnsafeRawBufferPointer(start: names, count: feature + 1 + property)
        if let known = telemetryPaths.borrow(key) { return known }
        let segments = [
            "features", String(decoding: UnsafeRawBufferPointer(start: from, count: feature), as: UTF8.self),
            "properties", String(decoding: UnsafeRawBufferPointer(start: then, count: property), as: UTF8.self),
        ]
        telemetryPaths.insert(key, EventPath(segments: segments, resource: .property, table: paths))
        // Borrowed paths of this record may have gone with it: the next one finds it.
        return nil
    }
}
