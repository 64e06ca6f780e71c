extension RecordDecoder {
    /// Reads `{"thingId", "timestamp", "features"}` into a merge of `/features/*/properties`.
    func decodeTelemetry(_ tape: JSONTape, _ recordTime: EventTime) throws(Rejection) -> TwinEvent {
        let root = JSONTape.root
        guard tape.tag(root) == JSONTape.Tag.object else {
            throw Rejection(.envelope, "a telemetry record is an object")
        }
        var thingAt = 0
        var timeAt = 0
        var featuresAt = 0
        let end = tape.end(root)
        var position = root + 1
        while position < end {
            let key = tape.bytes(position)
            let at = position &+ 1
            if key.equals("thingId") {
                thingAt = at
            } else if key.equals("timestamp") {
                timeAt = at
            } else if key.equals("features") {
                featuresAt = at
            }
            position = tape.after(at)
        }
        let thing = try telemetryThing(tape, thingAt)
        let time = try telemetryTime(tape, timeAt, thing) ?? Timestamp(recordTime)
        let patch = try telemetryPatch(tape, featuresAt, thing)
        return TwinEvent(
            thing: thing, time: time.eventTime, revision: nil, timestamp: time, action: .merged, path: featuresPath,
            value: .object(patch))
    }

    private func telemetryThing(_ tape: JSONTape, _ at: Int) throws(Rejection) -> ThingID {
        guard at != 0, tape.tag(at) == JSONTape.Tag.string else {
            throw Rejection(.thingID, "thingId is missing or no string; it is namespace:name")
        }
        let bytes = tape.bytes(at)
        if let known = things.find(bytes) { return known.thing }
        do {
            let thing = try ThingID(validating: tape.string(at))
            things.insert(bytes, ThingEntry(thing))
            return thing
        } catch {
            throw Rejection(.thingID, error.message)
        }
    }

    /// Nil where the record has none.
    private func telemetryTime(_ tape: JSONTape, _ at: Int, _ thing: ThingID) throws(Rejection) -> Timestamp? {
        guard at != 0 else { return nil }
        switch tape.tag(at) {
        case JSONTape.Tag.null: return nil
        case JSONTape.Tag.string:
            if let time = Timestamp(bytes: tape.bytes(at)) { return time }
            throw Rejection(.timestamp, "timestamp \"\(tape.string(at))\" is no RFC 3339 instant with an offset", thing)
        case JSONTape.Tag.integer, JSONTape.Tag.double:
            guard let milliseconds = tape.value(at).integral else {
                throw Rejection(.timestamp, "a numeric timestamp is a whole number of milliseconds since 1970", thing)
            }
            let (microseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
            guard !overflow else {
                throw Rejection(
                    .timestamp, "timestamp \(milliseconds) is beyond all times; it counts milliseconds", thing)
            }
            return Timestamp(EventTime(microseconds: microseconds))
        default: throw Rejection(.envelope, "timestamp is a string, a whole number or null", thing)
        }
    }

    private func telemetryPatch(_ tape: JSONTape, _ at: Int, _ thing: ThingID) throws(Rejection) -> JSONObject {
        guard at != 0, tape.tag(at) == JSONTape.Tag.object else {
            throw Rejection(.value, "features is missing or no object", thing)
        }
        var patch = JSONObject(capacity: tape.count(at))
        let end = tape.end(at)
        var position = at + 1
        while position < end {
            let value = position &+ 1
            guard tape.tag(value) == JSONTape.Tag.object else {
                throw Rejection(.value, "feature \"\(tape.string(position))\" is no object of properties", thing)
            }
            var feature = JSONObject(capacity: 1)
            feature.append("properties", tape.value(value))
            patch.set(tape.string(position), .object(feature))
            position = tape.after(value)
        }
        return patch
    }
}
