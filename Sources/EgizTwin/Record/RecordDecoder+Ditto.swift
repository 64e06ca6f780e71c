extension RecordDecoder {
    /// Positions of the envelope's members on the tape; zero: absent.
    private struct Envelope {
        var topic = 0
        var path = 0
        var value = 0
        var revision = 0
        var timestamp = 0
        var headers = 0
        var extra = 0
        var metadata = 0
        var status = 0
        var fields = 0

        /// Of members with one name the last one wins.
        init(_ tape: JSONTape) {
            let end = tape.end(JSONTape.root)
            var position = JSONTape.root + 1
            while position < end {
                let key = tape.bytes(position)
                let at = position &+ 1
                switch key.count {
                case 4: if key.equals("path") { path = at }
                case 5:
                    if key.equals("topic") {
                        topic = at
                    } else if key.equals("value") {
                        value = at
                    } else if key.equals("extra") {
                        extra = at
                    }
                case 6:
                    if key.equals("status") {
                        status = at
                    } else if key.equals("fields") {
                        fields = at
                    }
                case 7: if key.equals("headers") { headers = at }
                case 8:
                    if key.equals("revision") {
                        revision = at
                    } else if key.equals("metadata") {
                        metadata = at
                    }
                case 9: if key.equals("timestamp") { timestamp = at }
                default: break
                }
                position = tape.after(at)
            }
        }
    }

    func decodeDitto(_ tape: JSONTape, _ recordTime: EventTime) throws(Rejection) -> Decoded {
        guard tape.tag(JSONTape.root) == JSONTape.Tag.object else {
            throw Rejection(.envelope, "a Ditto Protocol message is an object")
        }
        let envelope = Envelope(tape)
        guard envelope.topic != 0, tape.tag(envelope.topic) == JSONTape.Tag.string else {
            throw Rejection(.envelope, "topic is missing or no string; is the connection's payload mapper Ditto?")
        }
        let thing: ThingID
        let action: EventAction
        switch topic(tape.bytes(envelope.topic)).meaning {
        case .event(let named, let happened): (thing, action) = (named, happened)
        case .ignored(let reason): return .ignored(reason)
        case .rejected(let rejection): throw rejection
        }
        try checkTypes(envelope, tape, thing)
        let rawPath = tape.bytes(envelope.path)
        guard let path = paths.eventPath(rawPath), action.exists(for: path.resource) else {
            let text = String(decoding: rawPath.prefix(300), as: UTF8.self)
            throw Rejection(.path, "no \(action) event exists for path \"\(text)\"", thing)
        }
        let revision = try revision(tape, envelope.revision, thing)
        let timestamp = try timestamp(tape, envelope.timestamp, thing)
        var event = TwinEvent(
            thing: thing, time: timestamp?.eventTime ?? recordTime, revision: revision, timestamp: timestamp,
            action: action, path: path)
        if envelope.metadata != 0, tape.tag(envelope.metadata) == JSONTape.Tag.object {
            event.metadata = tape.object(envelope.metadata)
        }
        if action != .deleted {
            guard envelope.value != 0 else { throw Rejection(.value, "value is missing", thing) }
            try fill(&event, tape.value(envelope.value))
        }
        return .event(event)
    }

    @inline(__always)
    private func topic(_ raw: UnsafeRawBufferPointer) -> TopicEntry {
        if let known = topics.find(raw) { return known }
        let entry = TopicEntry(raw)
        topics.insert(raw, entry)
        return entry
    }

    /// Step 6: members of the wrong JSON type; null counts as absent where the member may be.
    @inline(__always)
    private func checkTypes(_ envelope: Envelope, _ tape: JSONTape, _ thing: ThingID) throws(Rejection) {
        guard envelope.path != 0, tape.tag(envelope.path) == JSONTape.Tag.string else {
            throw Rejection(.envelope, "path is missing or no string", thing)
        }
        func isAbsent(_ at: Int) -> Bool { at == 0 || tape.tag(at) == JSONTape.Tag.null }
        func isObjectOrAbsent(_ at: Int) -> Bool { isAbsent(at) || tape.tag(at) == JSONTape.Tag.object }
        guard isObjectOrAbsent(envelope.headers), isObjectOrAbsent(envelope.extra), isObjectOrAbsent(envelope.metadata)
        else { throw Rejection(.envelope, "headers, extra or metadata is no object", thing) }
        guard isAbsent(envelope.timestamp) || tape.tag(envelope.timestamp) == JSONTape.Tag.string else {
            throw Rejection(.envelope, "timestamp is no string", thing)
        }
        guard isAbsent(envelope.status) || tape.value(envelope.status).integral != nil else {
            throw Rejection(.envelope, "status is no integer", thing)
        }
        guard isAbsent(envelope.fields) || tape.tag(envelope.fields) == JSONTape.Tag.string else {
            throw Rejection(.envelope, "fields is no string", thing)
        }
        guard
            isAbsent(envelope.revision) || tape.tag(envelope.revision) == JSONTape.Tag.integer
                || tape.tag(envelope.revision) == JSONTape.Tag.double
        else { throw Rejection(.revision, "revision is no number", thing) }
    }

    @inline(__always)
    private func revision(_ tape: JSONTape, _ at: Int, _ thing: ThingID) throws(Rejection) -> Int64 {
        if at != 0, tape.tag(at) == JSONTape.Tag.integer, tape.integer(at) >= 1 { return tape.integer(at) }
        guard at != 0, let revision = tape.value(at).integral, revision >= 1 else {
            throw Rejection(.revision, "revision is missing or no whole number from 1 to 2^63-1", thing)
        }
        return revision
    }

    @inline(__always)
    private func timestamp(_ tape: JSONTape, _ at: Int, _ thing: ThingID) throws(Rejection) -> Timestamp? {
        guard at != 0, tape.tag(at) == JSONTape.Tag.string else { return nil }
        guard let timestamp = Timestamp(bytes: tape.bytes(at)) else {
            throw Rejection(
                .timestamp, "timestamp \"\(tape.string(at))\" is no ISO 8601 instant with seconds and an offset", thing)
        }
        return timestamp
    }

    /// Step 10: the value must fit the resource, and name no other thing.
    private func fill(_ event: inout TwinEvent, _ value: consuming JSONValue) throws(Rejection) {
        let resource = event.path.resource
        if resource == .attribute || resource == .property, event.action != .merged {
            event.value = value
            return
        }
        if event.action == .merged {
            if resource == .thing {
                guard case .object(let patch) = value else {
                    throw Rejection(.value, "a merge patch of a whole thing is an object", event.thing)
                }
                if let named = patch["thingId"] { try checkIdentity(named, event.thing) }
            }
            if MergeExpression.isUsed(in: value) || (event.path.hasExpression && value.isNull) {
                event.usesExpressions = true
                event.value = value
                return
            }
            do throws(ThingShape.Fault) {
                event.value = try ThingShape.check(value, for: resource, allowsNull: true)
                try checkCreated(event)
            } catch {
                event.value = .null
                event.fault = error.message
            }
            return
        }
        do throws(ThingShape.Fault) {
            if resource == .thing {
                guard case .object(let payload) = value, let named = payload["thingId"], named.string != nil else {
                    throw ThingShape.Fault(message: "a thing names its thingId")
                }
            }
            let checked = try ThingShape.check(value, for: resource, allowsNull: false)
            try checkTimes(event, checked)
            event.value = checked
        } catch {
            throw Rejection(.value, error.message, event.thing)
        }
        guard resource == .thing, let payload = event.value?.object, let named = payload["thingId"] else { return }
        try checkIdentity(named, event.thing)
        if event.action == .migrated { asPatch(payload, &event) }
    }

    /// A migrated thing is a patch of its sections; the policy id only where there is one.
    private func asPatch(_ payload: JSONObject, _ event: inout TwinEvent) {
        var patch = JSONObject()
        for member in payload.members {
            switch member.key {
            case ThingState.Section.definition, ThingState.Section.attributes, ThingState.Section.features:
                patch.append(member.key, member.value)
            case ThingState.Section.policyID:
                if !member.value.isNull { patch.append(member.key, member.value) }
            default: break
            }
        }
        event.value = .object(patch)
        event.usesExpressions = MergeExpression.isUsed(in: .object(patch))
    }

    private func checkIdentity(_ named: JSONValue, _ thing: ThingID) throws(Rejection) {
        guard let text = named.string, UTF8Text.equal(text, thing.text) else {
            throw Rejection(.identity, "the topic names \(thing), the value \(named.text)", thing)
        }
    }

    /// A merge may set `_created`, which must be a time then.
    private func checkCreated(_ event: TwinEvent) throws(ThingShape.Fault) {
        guard event.path.resource == .thing, let created = event.value?.object?["_created"], !created.isNull else {
            return
        }
        guard let text = created.string, (try? Timestamp(parsing: text)) != nil else {
            throw ThingShape.Fault(message: "_created is no instant")
        }
    }

    /// The payload's own times count where a created event has no timestamp.
    private func checkTimes(_ event: TwinEvent, _ value: JSONValue) throws(ThingShape.Fault) {
        guard event.path.resource == .thing, event.action == .created, event.timestamp == nil else { return }
        for name in ["_created", "_modified"] {
            guard let time = value.object?[name], !time.isNull else { continue }
            guard let text = time.string, (try? Timestamp(parsing: text)) != nil else {
                throw ThingShape.Fault(message: "\(name) is no instant")
            }
        }
    }
}
