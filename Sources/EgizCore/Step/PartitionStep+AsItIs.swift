import EgizTwin

/// Records that are no events of twins.
extension PartitionStep {
    /// Gives the record to the stage's only processor.
    func processAsItIs(_ record: RawRecord, _ headers: [DeadLetter.Header], _ redrive: Redrive?) throws(EngineError)
        -> StepVerdict
    {
        guard let (name, instance) = ofRecords else { return .done }
        let readsBytes = type(of: instance).readsBytes
        // A letter that is tried again has moved stream time when it came.
        if redrive == nil { noteTime(record.timestamp) }
        guard record.value != nil || readsBytes else {
            counters.tombstone += 1
            return .done
        }
        let position = InputPosition(
            topic: stage.source.topics[record.topic].name, partition: record.partition, offset: record.offset)
        var entry: TwinEntry?
        if !statefulProcessors.isEmpty, let subject = instance.subject(of: position) {
            // What is due comes first (rule 16).
            if let verdict = try fireDue() { return verdict }
            if tables.room.holdsTicksOnly { return .epochIsFull }
            guard let found = twins.find(subject) else { return .needs(subject) }
            entry = found
        }
        let thing = record.key.flatMap { try? ThingID(validating: String(decoding: $0, as: UTF8.self)) }
        var value = JSONValue.null
        if let bytes = record.value, !readsBytes {
            do throws(JSONError) { value = try parser.parse(bytes) } catch {
                return refuse("json", error.message, thing, name)
            }
        }
        effects.removeAll()
        effects.thing = entry?.twin.thing ?? thing
        effects.processor = name
        let input = InputRecord(
            value: value, key: record.key.map { [UInt8]($0) }, time: record.timestamp, position: position, home: task,
            bytes: readsBytes ? record.value.map { [UInt8]($0) } : nil, headers: headers, streamTime: streamTime,
            database: database, attempt: redrive?.attempt)
        // There is no twin to build anew: the state alone goes back (rule 5).
        let before = entry?.states[0].state.copy()
        do throws(RecordFault) {
            if let entry { entry.states[0].isTouched = true }
            try instance.process(input, memory: entry?.states[0].state, into: &effects)
        } catch {
            if let entry, let before { entry.states[0].state = before }
            return refuse(error.code, error.message, thing, name)
        }
        if let entry { touch(entry) }
        counters.applied += 1
        for row in effects.predictions {
            // A dead letter that was tried again may bring an answer to an old question.
            if predictions[row.key].map({ row.isOlder(than: $0) }) != true { predictions[row.key] = row }
            counters.predictions += 1
            heldBytes += 256 + (row.details?.utf8.count ?? 0) + (row.error?.utf8.count ?? 0)
        }
        hasOtherWork = true
        absorbTimers()
        if !effects.emissions.isEmpty { absorbEmissions(of: record, redrive, at: record.timestamp.microseconds) }
        guard let kept = effects.kept else { return .done }
        var refusal = StepVerdict.Refusal(code: kept.code, message: kept.message, thing: kept.thing, processor: name)
        refusal.kept = kept
        return .refused(refusal)
    }

    /// Stream time of a stage without events is the time of its records.
    func noteTime(_ time: EventTime) {
        guard time.microseconds > 0, time.isAcceptable else { return }
        if streamTime.map({ $0 < time }) ?? true { streamTime = time }
    }

    // MARK: Callers

    /// What became of a record that a caller asked about enters the open epoch, in the order of the partition (rule 22). `.refused`
    /// where it is also a dead letter.
    public func settle(_ record: RawRecord, _ settlement: CallSettlement) -> StepVerdict {
        noteTime(record.timestamp)
        counters.records += 1
        openRecords += 1
        heldBytes += (record.value?.count ?? 0) + (record.key?.count ?? 0) + 64
        counters.calls += Int64(settlement.attempts)
        if settlement.isStale { counters.callsDropped += 1 } else if settlement.attempts > 0 { counters.answered += 1 }
        var fault = settlement.fault
        effects.removeAll()
        effects.thing = settlement.thing
        for output in settlement.outputs {
            do throws(RecordFault) {
                try emit(output, output.value, of: record)
            } catch {
                if !output.isOptional { fault = CallFault(error.code, error.message) }
                // What is said instead is small.
                if let instead = output.ifTooLarge { try? emit(output, instead, of: record) }
            }
        }
        absorbEmissions(of: record, nil, at: record.timestamp.microseconds)
        guard let fault else { return .done }
        counters.callFaults += 1
        counters.deadLetters += 1
        return refuse(fault.code, fault.message, settlement.thing, callerName)
    }

    private func emit(_ output: CallOutput, _ value: [UInt8]?, of record: RawRecord) throws(RecordFault) {
        try effects.emit(
            to: output.topic, key: output.key ?? record.key.map { [UInt8]($0) }, value: value, headers: output.headers)
    }

    /// A dead letter of a caller that is tried again goes to the end of its topic, as part of the epoch: it is then a record like
    /// others, with calls that may take their time. It keeps its headers, and what it was called: whom it is delivered to can tell that
    /// he has it already.
    func sendAgain(_ record: RawRecord, _ headers: [DeadLetter.Header], _ redrive: Redrive?) -> StepVerdict {
        guard let redrive else { return .done }
        let topic = stage.source.topics[record.topic].name
        let id = CallRecord(record, topicName: topic, headers: headers).id
        var kept = headers.filter {
            !["egiz-id", "egiz-late", CallRecord.originHeader, CallRecord.retryHeader].contains($0.name)
        }
        kept.append(.init(name: CallRecord.originHeader, value: Array(id.utf8)))
        kept.append(.init(name: CallRecord.retryHeader, value: Array("\(redrive.attempt)".utf8)))
        effects.removeAll()
        effects.thing = nil
        do throws(RecordFault) {
            try effects.emit(
                to: topic, exactly: record.key.map { [UInt8]($0) }, value: record.value.map { [UInt8]($0) },
                headers: kept)
        } catch {
            return refuse(error.code, error.message, nil, callerName)
        }
        absorbEmissions(of: record, redrive, at: record.timestamp.microseconds)
        return .done
    }
}
