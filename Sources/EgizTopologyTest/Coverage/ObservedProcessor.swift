import EgizCore
import EgizTwin

/// A processor with somebody who looks at what goes in and comes out; it changes nothing. It has no `leafRecording`, because with one
/// the step would record samples without calling it.
final class ObservedProcessor<Inner: Processor>: Processor {
    static var spec: KindSpec { Inner.spec }
    static var mayRefuse: Bool { Inner.mayRefuse }
    static var stateType: (any ProcessorState.Type)? { Inner.stateType }

    var refuses: Bool { inner.refuses }

    private let inner: Inner
    private let name: String
    private let recorder: CoverageRecorder?
    /// Every pattern of the processor's settings, with the key under which it is reported.
    private let patterns: [(key: String, pattern: PathPattern)]
    private var seenPaths: Set<PathID> = []

    init(_ inner: Inner, _ definition: ProcessorDefinition, _ recorder: CoverageRecorder?) {
        self.inner = inner
        self.recorder = recorder
        name = definition.name
        patterns = Inner.spec.fields.flatMap { field -> [(String, PathPattern)] in
            guard field.kind == .globs, case .list(let items)? = definition.settings[field.name]?.content else {
                return []
            }
            return items.compactMap { item in
                guard case .string(let text) = item.content, let pattern = PathPattern(text) else { return nil }
                return ("\(field.name) \(text)", pattern)
            }
        }
    }

    convenience init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        self.init(try Inner(definition), definition, nil)
    }

    func process(_ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        notePaths(change)
        let before = (effects.samples.count, effects.emittedTopics.count, effects.lateSamples)
        do throws(RecordFault) {
            try inner.process(change, memory: memory, into: &effects)
        } catch {
            recorder?.note(name) { seen in
                seen.changes += 1
                seen.refusals[error.code, default: 0] += 1
            }
            throw error
        }
        let samples = effects.samples.count - before.0
        let topics = effects.emittedTopics.dropFirst(before.1)
        let late = Int(effects.lateSamples - before.2)
        recorder?.note(name) { seen in
            seen.changes += 1
            seen.samples += samples
            seen.late += late
            for topic in topics { seen.emitted[topic, default: 0] += 1 }
        }
    }

    func passes(_ change: borrowing TwinChange, into effects: inout RecordEffects) -> Bool {
        let passes = inner.passes(change, into: &effects)
        recorder?.note(name) { seen in
            if passes { seen.passed += 1 } else { seen.held += 1 }
        }
        return passes
    }

    var passFingerprint: UInt64 { inner.passFingerprint }

    func tick(_ tick: TimerTick, memory: (any ProcessorState)?, into effects: inout RecordEffects) {
        let before = effects.emittedTopics.count
        inner.tick(tick, memory: memory, into: &effects)
        let topics = effects.emittedTopics.dropFirst(before)
        recorder?.note(name) { seen in
            seen.timers += 1
            for topic in topics { seen.emitted[topic, default: 0] += 1 }
        }
    }

    func project(_ thing: ThingID, memory: (any ProcessorState)?, into rows: inout ProjectionRows) {
        inner.project(thing, memory: memory, into: &rows)
    }

    var rulesFingerprint: UInt64 { inner.rulesFingerprint }
    var receivesMessages: Bool { inner.receivesMessages }

    func install(_ registry: RuleRegistry) -> [String] { inner.install(registry) }
    func noteAnswers(_ paths: [[String]]) { inner.noteAnswers(paths) }

    func review(_ change: borrowing TwinChange, memory: (any ProcessorState)?, into effects: inout RecordEffects) {
        inner.review(change, memory: memory, into: &effects)
    }

    func receive(
        _ message: InboxMessage, _ change: borrowing TwinChange, memory: (any ProcessorState)?,
        into effects: inout RecordEffects
    ) {
        let before = effects.emittedTopics.count
        inner.receive(message, change, memory: memory, into: &effects)
        let topics = effects.emittedTopics.dropFirst(before)
        recorder?.note(name) { seen in
            for topic in topics { seen.emitted[topic, default: 0] += 1 }
        }
    }

    private func notePaths(_ change: borrowing TwinChange) {
        guard !patterns.isEmpty else { return }
        for leaf in change.leaves where seenPaths.insert(leaf.path).inserted {
            let segments = change.paths.segments(of: leaf.path)
            let matched = patterns.filter { $0.pattern.matches(segments) }.map(\.key)
            recorder?.note(name) { $0.patterns.formUnion(matched) }
        }
    }
}

extension ProcessorRegistry {
    /// The same kinds, observed.
    func observed(by recorder: CoverageRecorder) -> ProcessorRegistry {
        wrapping { Self.observe($0, $1, recorder) }
    }

    private static func observe<P: Processor>(
        _ inner: P, _ definition: ProcessorDefinition, _ recorder: CoverageRecorder
    ) -> any Processor {
        ObservedProcessor(inner, definition, recorder)
    }
}
