public import EgizTwin

extension PartitionStep {
    /// The log is idle: stream time goes on by `duration`, never beyond `limit`. Without any event yet there is no stream time.
    /// True where it moved; then `fireTimers` says what that means.
    @discardableResult
    public func advanceStreamTime(by duration: Duration, notBeyond limit: EventTime) -> Bool {
        guard let now = streamTime else { return false }
        let (seconds, attoseconds) = duration.components
        let later = now.advanced(byMicroseconds: seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        return advanceStreamTime(to: min(later, limit))
    }

    /// Moves stream time on, as an idle log does. It must be stored also without a record, so that a fold can repeat it.
    @discardableResult
    public func advanceStreamTime(to time: EventTime) -> Bool {
        guard let now = streamTime, time > now else { return false }
        streamTime = time
        hasOtherWork = true
        counters.idleTicks += 1
        if !statefulProcessors.isEmpty { idle = TaskAdvance.Idle(records: counters.records, streamTime: time) }
        return true
    }

    /// Fires what is due; `.done` when nothing is left, otherwise what must be loaded or committed first.
    public func fireTimers() throws(EngineError) -> StepVerdict {
        if statefulProcessors.isEmpty { return .done }
        return try fireDue() ?? .done
    }

    /// The things of timers in memory that are due, so that they can be loaded together.
    public var dueThings: [ThingID] {
        guard let streamTime, !statefulProcessors.isEmpty else { return [] }
        return timers.things(through: streamTime)
    }

    /// The timers after `page`'s predecessor, as the store has them.
    public func installTimers(_ page: [TaskTimer], isLast: Bool) { timers.install(page, isLast: isLast) }

    /// Fires the timers up to stream time in their order, as many as the open epoch has room for; nil when none is left.
    func fireDue() throws(EngineError) -> StepVerdict? {
        guard let streamTime else { return nil }
        while true {
            switch timers.next(through: streamTime) {
            case .none: return nil
            case .needsPage(let after): return .needsTimers(after: after)
            case .due(let timer):
                // A processor that the topology no longer has: its timers end with it.
                guard let place = processors.firstIndex(where: { $0.name == timer.processor && $0.stateIndex != nil })
                else {
                    timers.remove(timer)
                    hasOtherWork = true
                    continue
                }
                guard let entry = twins.find(timer.thing) else { return .needs(timer.thing) }
                guard !tables.room.isEmpty else { return .epochIsFull }
                timers.remove(timer)
                let tick = TimerTick(
                    thing: timer.thing, due: timer.due, streamTime: streamTime, twin: entry.twin)
                fire(tick, entry, place)
            }
        }
    }

    private func fire(_ tick: TimerTick, _ entry: TwinEntry, _ place: Int) {
        let bytes = openBytes
        remember(entry)
        effects.removeAll()
        effects.thing = tick.thing
        call(tick, entry, place, &effects)
        if keepsReplays { entry.replays.append(.tick(tick, processor: place)) }
        touch(entry)
        counters.ticks += 1
        openTicks += 1
        hasOtherWork = true
        absorbTimers(after: tick.due)
        if !effects.emissions.isEmpty { absorbEmissions(of: tick) }
        tables.room.take(records: 1, bytes: openBytes - bytes)
    }

    func call(_ tick: TimerTick, _ entry: TwinEntry, _ place: Int, _ effects: inout RecordEffects) {
        let slot = processors[place]
        guard let index = slot.stateIndex else { return }
        effects.processor = slot.name
        entry.states[index].isTouched = true
        slot.instance.tick(tick, memory: entry.states[index].state, into: &effects)
    }

    /// - Parameter after: a tick may only set later timers than its own, or firing would never end.
    func absorbTimers(after due: EventTime? = nil) {
        counters.late += effects.late
        counters.filtered += effects.filtered
        counters.bindings += effects.rules.bindings
        counters.alerts += effects.rules.alerts
        counters.ruleErrors += effects.rules.errors
        counters.questions += effects.rules.questions
        for request in effects.timers {
            switch request {
            case .set(let timer):
                if let due, timer.due <= due { continue }
                timers.set(timer)
            case .cancel(let timer): timers.remove(timer)
            }
        }
    }

    // MARK: Emissions

    /// `<topology>/<source>/<topic>/<partition>@<incarnation>/<offset>/<n>`, with `r<attempt>` for a redriven record (rule 11).
    func absorbEmissions(of record: RawRecord, _ redrive: Redrive?, at time: Int64) {
        guard let redrive else {
            for (n, emission) in effects.emissions.enumerated() {
                append(emission, id: id(idPrefixes[record.topic], record.offset, n), isLate: false, at: time)
            }
            return
        }
        let topic = stage.source.topics[record.topic].name
        let prefix = "\(idPrefix(topic, redrive.incarnation))/\(record.offset)"
        for (n, emission) in effects.emissions.enumerated() {
            append(emission, id: "\(prefix)/\(n)r\(redrive.attempt)", isLate: redrive.isLate, at: time)
        }
    }

    /// In one piece: an interpolation is several.
    private func id(_ prefix: String, _ offset: Int64, _ n: Int) -> String {
        var id = ""
        id.reserveCapacity(prefix.utf8.count + 24)
        id += prefix
        id += "/"
        id += String(offset)
        id += "/"
        id += String(n)
        return id
    }

    /// Ticks have `t<time>` for the offset, and for n the number of the task's emission, which no other tick shares.
    private func absorbEmissions(of tick: TimerTick) {
        absorbEmissions(of: "t\(tick.due.microseconds)", at: tick.due)
    }

    /// Of something that is no record; `what` stands for the offset.
    func absorbEmissions(of what: String, at time: EventTime) {
        let prefix = "\(idPrefix(stage.source.topics[0].name))/\(what)"
        for emission in effects.emissions {
            append(emission, id: "\(prefix)/\(counters.emitted)", isLate: false, at: time.microseconds)
        }
    }

    private func append(_ emission: RecordEffects.Emission, id: String, isLate: Bool, at time: Int64) {
        var headers = emission.headers
        if isLate { headers.append(.init(name: "egiz-late", value: Array("1".utf8))) }
        emit(
            OutputRecord(
                topic: emission.topic, key: emission.key, value: emission.value, headers: headers, id: id, time: time))
    }

    /// Adds a record to what the open epoch emits: also for the shell, which sends dead letters to their topic.
    public func emit(_ output: OutputRecord) {
        counters.emitted += 1
        heldBytes += output.size
        outputs.append(output)
        hasOtherWork = true
    }

    /// The part of `egiz-id` before the offset.
    public func idPrefix(_ topic: String, _ other: Int32? = nil) -> String {
        "\(task.stage.topology)/\(task.stage.source)/\(topic)/\(task.partition)@\(other ?? incarnation)"
    }
}
