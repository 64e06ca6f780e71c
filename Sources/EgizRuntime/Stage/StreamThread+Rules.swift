import EgizCore
import EgizTwin
import Logging

/// Rules that the registry changes, and what people ask of processors: both take effect between epochs (rules 19 and 20).
extension StreamThread {
    /// Things that are reviewed in one epoch, and messages that are consumed in one.
    private static var page: Int { 500 }

    /// How long epochs are short after a change of the registry: within two seconds it is to be seen.
    private static var haste: Duration { .seconds(2) }

    /// Rules have just changed, or not all that comes of it is committed.
    func isHasty(_ now: ContinuousClock.Instant) -> Bool {
        if let isHastyUntil, now < isHastyUntil { return true }
        return tasks.values.contains { $0.step.isReviewing }
    }

    /// The registry as this thread has it in force; loaded when first asked for. Never waits: a takeover stands in the callback of
    /// a rebalance, and is tried again from the loop.
    private func presentRegistry() throws(EngineError) -> RuleRegistry {
        if let registry { return registry }
        let loaded = try theStore().registry(after: nil) ?? .empty
        registry = loaded
        return loaded
    }

    /// Before tasks are taken over: while this thread had none nobody looked, for hours perhaps, and their first records would meet the
    /// rules of then.
    func renewRegistry() throws(EngineError) {
        guard registry != nil, !tasks.values.contains(where: { $0.step.hasRules }) else { return }
        if let later = try theStore().registry(after: registry?.version) { (registry, nextRegistry) = (later, nil) }
        registryLook = .now
    }

    private func theStore() throws(EngineError) -> any TaskStore {
        guard let store else { throw EngineError(.bug, .stop, "the stream thread has no store") }
        return store
    }

    /// Puts the registry in force in a step that is new. Where the topology has lost its rules, that is a change as well.
    func install(in step: PartitionStep, _ stored: RulesProgress?) throws(EngineError) {
        guard step.hasRules else {
            guard let stored else { return }
            step.install(RuleRegistry(version: stored.version, parents: [:], bindings: []), stored: stored)
            return
        }
        var present = try presentRegistry()
        // Changed while this thread had no tasks: what is stored never goes back. Its other tasks get it between epochs.
        if let stored, stored.version > present.version {
            if nextRegistry.map({ $0.version < stored.version }) ?? true {
                nextRegistry = try theStore().registry(after: present.version)
            }
            present = nextRegistry ?? present
        }
        report(step.install(present, stored: stored))
    }

    private func report(_ problems: [String]) {
        for problem in problems {
            logger.warning("a rule of the registry is left out", metadata: [LogKey.reason: "\(problem)"])
        }
    }

    /// When the registry is looked for again: one of very many registrations takes its time to be loaded, and while a fleet is enrolled it
    /// is another one at every look.
    static func registryPause(_ interval: Duration, afterLoading took: Duration) -> Duration {
        max(interval, min(took * 3, .seconds(1)))
    }

    /// Looks for another registry now and then, and puts it in force where no epoch is open; true while the open epoch has to end
    /// first. From the look on no record is processed under the rules before: however long the running commit takes and however long
    /// epochs last.
    func followRegistry(_ now: ContinuousClock.Instant) throws(EngineError) -> Bool {
        guard halving == nil, tasks.values.contains(where: { $0.step.hasRules }) else { return false }
        if nextRegistry == nil {
            guard registryLook.duration(to: now) >= registryPause, let store else { return false }
            do throws(EngineError) {
                nextRegistry = try store.registry(after: registry?.version)
            } catch {
                guard error.retry == .backoff else { throw error }
            }
            registryLook = .now
            let took = nextRegistry == nil ? .zero : now.duration(to: registryLook)
            registryPause = Self.registryPause(setup.configuration.registryInterval, afterLoading: took)
        }
        guard let next = nextRegistry else { return false }
        if openWork.records > 0 {
            if pipeline.isCommitting { try awaitCommit() } else { try closeOrWait() }
            return true
        }
        nextRegistry = nil
        let retyped = registry.flatMap { next.retyped(since: $0) }
        registry = next
        isHastyUntil = now.advanced(by: Self.haste)
        logger.info("rules of the registry changed", metadata: [LogKey.version: "\(next.version)"])
        var problems: Set<String> = []
        for task in tasks.values {
            problems.formUnion(task.step.install(next, stored: task.lease.rules, retyped: retyped))
        }
        report(problems.sorted())
        return false
    }

    /// Lets processors look at the things of a task again, a page an epoch: all of them where their rules have changed, which also ends
    /// what removed ones left there; else those whose registered type is another one. Only what is committed is listed, so the page
    /// waits until nothing of the task is in commit.
    func review() throws(EngineError) {
        for task in tasks.values where task.inFlight == nil && task.reviewedAt != task.lease.epoch {
            let retyped = task.step.retyped(limit: Self.page)
            if !retyped.isEmpty {
                let things = try whileAway { store throws(EngineError) in
                    try store.things(of: task.id, among: retyped)
                }
                try review(things, of: task)
                task.step.noteRetyped(retyped.count)
            } else if let after = task.step.rules?.reviewedThrough {
                let things = try whileAway { store throws(EngineError) in
                    try store.things(of: task.id, after: after, limit: Self.page)
                }
                try review(things, of: task)
                extras.sweeps.append(task.step.sweep(things))
                task.step.noteReview(through: things.count < Self.page ? nil : things.last?.text)
            }
        }
    }

    private func review(_ things: [ThingID], of task: OwnedTask) throws(EngineError) {
        task.reviewedAt = task.lease.epoch
        guard task.step.hasRules else { return }
        let missing = things.filter { !task.step.twins.contains($0) }
        if !missing.isEmpty { try load(missing, into: task) }
        for thing in things { try settle(in: task) { task.step.review(thing) } }
    }

    /// Consumes what people have asked for; one batch an epoch.
    func receive(_ now: ContinuousClock.Instant) throws(EngineError) {
        guard !isReceiving, halving == nil, inboxLook.duration(to: now) >= setup.configuration.redriveInterval,
            let store,
            tasks.values.contains(where: { $0.step.hearsPeople })
        else { return }
        inboxLook = now
        let messages: [InboxMessage]
        do throws(EngineError) {
            messages = try store.inbox(of: tasks.values.map(\.lease), limit: Self.page)
        } catch {
            guard error.retry == .backoff else { throw error }
            return
        }
        for message in messages {
            guard let task = tasks[message.task.partition] else { continue }
            try settle(in: task) { task.step.deliver(message) }
            extras.consumed.append(message.id)
            isReceiving = true
        }
    }

    private func settle(in task: OwnedTask, _ body: () -> StepVerdict) throws(EngineError) {
        defer { crashGuard?.leave() }
        var loading = Loading()
        while true {
            guardNextRecord(of: task)
            guard case .needs(let thing) = body() else { return }
            crashGuard?.leave()
            try loading.ask(for: thing)
            try load([thing], into: task)
        }
    }

    /// What runs without a record (a review, a message, a timer of an idle task) is guarded as well: at the position of the task's
    /// next record, where a worker that tries again would do the same once more (rule 7).
    func guardNextRecord(of task: OwnedTask) {
        guard let crashGuard else { return }
        let topic = task.next.firstIndex { $0 != nil } ?? 0
        crashGuard.enter(topic: topic, partition: task.id.partition, offset: task.next[topic]?.raw ?? 0)
    }
}
