public import EgizCore
public import EgizTwin

/// Says what the owner of a task would do with dead letters now, with the very code that would do it, in memory: the real step,
/// on the twins and states as the last commit left them. Owns nothing and writes nothing.
///
/// One for each task, its letters in the order of their ids. Confined to one thread; `run` blocks on the store.
public final class LetterRehearsal {
    /// What is stored of the task.
    public struct TaskFacts: Sendable {
        public var task: TaskID
        public var streamTime: EventTime?
        public var incarnation: Int32

        public init(task: TaskID, streamTime: EventTime?, incarnation: Int32) {
            self.task = task
            self.streamTime = streamTime
            self.incarnation = incarnation
        }
    }

    /// What a letter that is processed changes.
    public struct Effect: Sendable, Equatable {
        public var thing: ThingID?
        public var samples: Int
        /// Records to Kafka.
        public var emitted: Int
        /// Nil where there was no twin.
        public var revisionBefore: Int64?
        public var revisionAfter: Int64?
    }

    public enum Outcome: Sendable, Equatable {
        case processed(Effect)
        /// It would leave the dead letters and change nothing: the name of the counter that would say so (`stale`, `duplicate`…).
        case ignored(String)
        case fails(code: String, message: String)
        /// It would stay as it is, behind another parked letter of its thing.
        case waits
    }

    private static let timerPage = 1000

    private let step: PartitionStep
    private let stage: StageDefinition
    private let task: TaskID
    private let store: any TaskStore
    private var epoch: Int64 = 0
    private var met: Set<ThingID> = []
    private var stuck: Set<ThingID> = []
    private var revisions: [ThingID: Int64] = [:]

    /// - Parameter stage: as the deployed topology has it.
    /// - Throws: `.topology`/`.stop` where a processor of the stage cannot be made.
    public init(
        _ facts: TaskFacts, stage: StageDefinition, registry: ProcessorRegistry, store: any TaskStore
    ) throws(EngineError) {
        let parked = try store.parked(of: [facts.task])[facts.task] ?? [:]
        do throws(TopologyFaults) {
            step = try PartitionStep(
                task: facts.task, stage: stage, registry: registry, tables: StreamTables(),
                streamTime: facts.streamTime, incarnation: facts.incarnation, parked: parked)
        } catch {
            throw EngineError(
                .topology, .stop,
                "stage \(stage.name) cannot be rehearsed, this version of egiz lacks a part of it: \(error)"
            )
        }
        if step.hasRules { step.install(try store.registry(after: nil) ?? .empty, stored: nil) }
        self.stage = stage
        self.store = store
        task = facts.task
    }

    /// Runs the next letter. The ones before it count as done.
    public func run(_ stored: StoredDeadLetter) throws(EngineError) -> Outcome {
        let letter = stored.letter
        // As the owner: behind a letter that fails, the others of its thing must wait.
        if letter.disposition == .parked, let thing = letter.thing {
            if met.insert(thing).inserted, !stored.isFirst { stuck.insert(thing) }
            if stuck.contains(thing) { return .waits }
        }
        let outcome = try process(letter)
        if case .fails = outcome, letter.disposition == .parked, let thing = letter.thing { stuck.insert(thing) }
        return outcome
    }

    private func process(_ letter: DeadLetter) throws(EngineError) -> Outcome {
        guard let topic = stage.source.topics.firstIndex(where: { $0.name == letter.position.topic }) else {
            return .fails(code: "topic", message: "the stage reads topic \(letter.position.topic) no longer")
        }
        let before = step.counters
        let context = PartitionStep.Redrive(attempt: letter.attempts + 1, isLate: letter.disposition == .dead)
        let verdict = try PaddedBytes.with(letter.key) { key throws(EngineError) in
            try PaddedBytes.with(letter.value) { value throws(EngineError) in
                try settled(
                    RawRecord(
                        topic: topic, partition: letter.position.partition, offset: letter.position.offset,
                        timestamp: letter.recordTime, key: key, value: value), letter.headers, context)
            }
        }
        epoch += 1
        let output = step.closeEpoch(epoch)
        let twin = output.twins.first
        step.committed(epoch, output: output, cacheBytes: .max)
        switch verdict {
        case .refused(let refusal), .queued(let refusal):
            return .fails(code: refusal.code, message: refusal.message)
        case .full(let reason): return .fails(code: "parked", message: reason)
        case .done, .needs, .needsTimers, .epochIsFull: break
        }
        let after = step.counters
        guard after.applied > before.applied else {
            let reason = zip(before.named, after.named).first { old, new in
                new.value > old.value && !["records", "redriven", "keyMismatch", "ticks", "emitted"].contains(new.name)
            }
            return .ignored(reason?.1.name ?? "ignored")
        }
        let thing = twin?.snapshot.thing
        let effect = Effect(
            thing: thing, samples: Int(after.samples - before.samples), emitted: Int(after.emitted - before.emitted),
            revisionBefore: thing.flatMap { revisions[$0] }, revisionAfter: twin?.snapshot.revision)
        if let thing, let revision = twin?.snapshot.revision { revisions[thing] = revision }
        return .processed(effect)
    }

    /// Processes the record, loading what the step asks for; never `.needs` and `.needsTimers`.
    private func settled(
        _ record: RawRecord, _ headers: [DeadLetter.Header], _ context: PartitionStep.Redrive
    ) throws(EngineError) -> StepVerdict {
        while true {
            let verdict = try step.process(record, headers: headers, redrive: context)
            switch verdict {
            case .needs(let thing):
                guard !step.twins.contains(thing) else {
                    throw EngineError(.bug, .stop, "the twin \(thing) was loaded and is still missing")
                }
                let rows = try store.restore([thing], of: task.stage, states: step.statefulProcessors)
                try step.install(rows.twins, states: rows.states, asked: [thing])
                revisions[thing] = rows.twins.first?.snapshot.revision
            case .needsTimers(let after):
                let page = try store.timers(of: task, after: after, limit: Self.timerPage)
                step.installTimers(page, isLast: page.count < Self.timerPage)
            case .done, .refused, .queued, .full, .epochIsFull: return verdict
            }
        }
    }
}
