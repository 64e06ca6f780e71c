public import EgizTwin

/// Rules that change while the task runs, and what people ask of its processors (rules 19 and 20). Between epochs only.
extension PartitionStep {
    /// Some processor has rules of its own, which the registry may change.
    public var hasRules: Bool { processors.contains { $0.instance.rulesFingerprint != 0 } }

    /// Rules have changed, and not all that comes of it is committed.
    public var isReviewing: Bool { rulesMoved != nil || rules?.reviewedThrough != nil || retyping != nil }

    /// What people ask is to be fetched: also where the stage has lost the rules that it was meant for, which consumes it.
    public var hearsPeople: Bool { rules != nil || processors.contains { $0.instance.receivesMessages } }

    /// Puts the registry in force. `stored` is what the task's row says of the rules; where they are others now, all things are to
    /// be reviewed from the first on, else the review goes on where it was. Returns what is wrong with the registry.
    ///
    /// A stage that has lost its rules has this called once more: then what they left ends.
    ///
    /// - Parameter retyped: the registered things that have another type than in the registry in force so far; nil: not known. Where
    ///   nothing else changed, these alone are to be looked at.
    /// - Precondition: no epoch is open.
    @discardableResult
    public func install(_ registry: RuleRegistry, stored: RulesProgress?, retyped: [ThingID]? = nil) -> [String] {
        precondition(!hasOpenWork, "rules change between epochs only")
        var problems: [String] = []
        for slot in processors { problems += slot.instance.install(registry).map { "\(slot.name): \($0)" } }
        var hash = Fingerprint()
        for (place, slot) in processors.enumerated() {
            guard slot.instance.rulesFingerprint != 0 else { continue }
            hash.combine(slot.name)
            hash.combine(slot.instance.rulesFingerprint)
            combineGates(before: place, into: &hash)
        }
        let ofRules = hash.value
        if !registry.thingTypes.isEmpty { hash.combine(registry.thingTypesFingerprint) }
        let fingerprint = Int64(bitPattern: hash.value)
        if rulesHash == ofRules, adopt(registry.version, fingerprint, retyped) { return problems }
        rulesHash = ofRules
        let before = rules ?? stored
        var next = RulesProgress(version: registry.version, fingerprint: fingerprint, reviewedThrough: "")
        if let before, before.fingerprint == fingerprint, retyping == nil {
            next.reviewedThrough = before.reviewedThrough
        }
        (rules, retyping) = (next, nil)
        if next != stored {
            rulesMoved = next
            hasOtherWork = true
        }
        return problems
    }

    /// The rules are what they were: whether it is enough to look at the things that have another type.
    private func adopt(_ version: Int64, _ fingerprint: Int64, _ retyped: [ThingID]?) -> Bool {
        guard let rules, let retyped else { return false }
        guard (retyping?.fingerprint ?? rules.fingerprint) != fingerprint else {
            // Something else of the registry changed.
            retyping?.version = version
            return retyping != nil
        }
        let things = (retyping?.things ?? []) + retyped
        guard !things.isEmpty, things.count <= Retyping.most else { return false }
        retyping = Retyping(version: version, fingerprint: fingerprint, things: things)
        return true
    }

    /// Registered things that are to be looked at because they have another type, at most `limit`; of any task.
    public func retyped(limit: Int) -> [ThingID] { Array((retyping?.things ?? []).prefix(limit)) }

    /// The first `count` of them were looked at, as far as they are the task's.
    public func noteRetyped(_ count: Int) {
        guard var left = retyping else { return }
        left.things.removeFirst(min(count, left.things.count))
        hasOtherWork = true
        guard left.things.isEmpty else {
            retyping = left
            return
        }
        retyping = nil
        rules?.version = left.version
        rules?.fingerprint = left.fingerprint
        rulesMoved = rules
    }

    /// All of the task's things have been reviewed under the rules in force up to `thing`; nil: all.
    public func noteReview(through thing: String?) {
        rules?.reviewedThrough = thing
        rulesMoved = rules
        hasOtherWork = true
    }

    /// What the epoch ends of things that were looked at.
    public func sweep(_ things: [ThingID]) -> RulesSweep {
        RulesSweep(task: task, things: things, processors: stage.processors.map(\.name), time: streamTime ?? .earliest)
    }

    /// Lets every processor look at a thing again; `.needs` where it must be loaded first.
    public func review(_ thing: ThingID) -> StepVerdict {
        guard let entry = twins.find(thing) else { return .needs(thing) }
        // Somebody else's by now, or forgotten.
        guard entry.home == task else { return .done }
        let time = streamTime ?? .earliest
        begin(entry)
        review(entry, time, &effects)
        if keepsReplays { entry.replays.append(.review(streamTime: time)) }
        counters.reviewed += 1
        end(entry, "v\(UInt64(bitPattern: retyping?.fingerprint ?? rules?.fingerprint ?? 0))", time)
        return .done
    }

    /// Gives a message to its processor; `.needs` where the thing must be loaded first. One of a processor that the topology no
    /// longer has is consumed without effect.
    public func deliver(_ message: InboxMessage) -> StepVerdict {
        guard let entry = twins.find(message.thing) else { return .needs(message.thing) }
        let time = streamTime ?? .earliest
        hasOtherWork = true
        counters.messages += 1
        // What is no thing has no home.
        guard entry.home == task || ofRecords != nil else { return .done }
        begin(entry)
        deliver(message, entry, time, &effects)
        if keepsReplays { entry.replays.append(.message(message, streamTime: time)) }
        end(entry, "i\(message.id)", time)
        return .done
    }

    private func begin(_ entry: TwinEntry) {
        remember(entry)
        effects.removeAll()
        effects.thing = entry.twin.thing
    }

    private func end(_ entry: TwinEntry, _ what: String, _ time: EventTime) {
        touch(entry)
        hasOtherWork = true
        absorbTimers()
        if !effects.emissions.isEmpty { absorbEmissions(of: what, at: time) }
    }

    private func change(_ entry: TwinEntry, _ time: EventTime) -> TwinChange {
        TwinChange(
            thing: entry.twin.thing, revision: entry.twin.revision, time: time, streamTime: time, leaves: [],
            paths: tables.paths, twin: entry.twin)
    }

    func review(_ entry: TwinEntry, _ time: EventTime, _ effects: inout RecordEffects) {
        let change = change(entry, time)
        for (place, slot) in processors.enumerated() {
            let reached = reaches(place)
            if reached, slot.instance.rulesFingerprint != 0 {
                effects.processor = slot.name
                if let index = slot.stateIndex {
                    entry.states[index].isTouched = true
                    slot.instance.review(change, memory: entry.states[index].state, into: &effects)
                } else {
                    slot.instance.review(change, memory: nil, into: &effects)
                }
            }
            decide(place, reached: reached, change, &effects)
        }
    }

    func deliver(_ message: InboxMessage, _ entry: TwinEntry, _ time: EventTime, _ effects: inout RecordEffects) {
        guard let slot = processors.first(where: { $0.name == message.processor }), let index = slot.stateIndex else {
            return
        }
        effects.processor = slot.name
        entry.states[index].isTouched = true
        slot.instance.receive(message, change(entry, time), memory: entry.states[index].state, into: &effects)
    }
}
