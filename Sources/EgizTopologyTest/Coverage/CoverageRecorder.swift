import EgizCore
import EgizTesting
import EgizTwin
import Synchronization

/// Gathers what the tests of a topology reach, over all of them.
final class CoverageRecorder: Sendable {
    /// What one processor met.
    struct Seen {
        var changes = 0
        var samples = 0
        var refusals: [String: Int] = [:]
        var timers = 0
        var late = 0
        /// Changes that those behind it saw, and that they did not.
        var passed = 0
        var held = 0
        var emitted: [String: Int] = [:]
        /// Setting and number of the patterns that matched some path.
        var patterns: Set<String> = []
        var paths: Set<String> = []
    }

    private struct State {
        var processors: [String: Seen] = [:]
        /// Records sent, by topic.
        var sent: [String: Int] = [:]
        /// Records set aside, by source and code.
        var codes: [String: [String: Int]] = [:]
        var applied: [String: Int64] = [:]
        var skipped: [String: Int64] = [:]
        /// All counters, by source and name.
        var counters: [String: [String: Int64]] = [:]
        /// Topics that something was emitted to.
        var emitted: Set<String> = []
    }

    private let state = Mutex(State())

    func note(_ processor: String, _ body: (inout sending Seen) -> Void) {
        state.withLock { state in
            var seen = state.processors[processor] ?? Seen()
            body(&seen)
            state.processors[processor] = seen
        }
    }

    /// A test has ended.
    func note(_ driver: TopologyDriver) {
        let sent = driver.sentRecords
        let refused = driver.refused
        let emitted = Set(driver.emitted.map(\.topic))
        let counters = Dictionary(
            uniqueKeysWithValues: driver.topology.stages.map { ($0.source.name, driver.store.counters(of: $0.name)) })
        state.withLock { state in
            state.sent.merge(sent) { $0 + $1 }
            state.emitted.formUnion(emitted)
            for letter in refused where letter.code != "queued" {
                state.codes[letter.stage.source, default: [:]][letter.code, default: 0] += 1
            }
            for (source, values) in counters {
                state.counters[source, default: [:]].merge(values) { $0 + $1 }
                state.applied[source, default: 0] += values["applied"] ?? 0
                for name in ["stale", "duplicate", "orphan"] {
                    state.skipped[source, default: 0] += values[name] ?? 0
                }
            }
        }
    }

    // MARK: The report

    func coverage(of topology: Topology, registry: ProcessorRegistry) -> Coverage {
        state.withLock { state in
            var items: [Coverage.Item] = []
            for stage in topology.stages {
                items.append(Self.item(stage.source, state))
                for processor in stage.processors {
                    guard let entry = registry[processor.kind] else { continue }
                    let seen = state.processors[processor.name] ?? Seen()
                    if entry.spec.input == .events, entry.spec.output == .changes {
                        items.append(Self.projector(processor, stage.source, state))
                    } else if entry.spec.input == .records {
                        items.append(Self.reader(processor, entry, stage.source, state))
                    } else {
                        items.append(Self.item(processor, entry, seen))
                    }
                }
            }
            return Coverage(topology: topology.name, items: items)
        }
    }

    private static func item(_ source: SourceDefinition, _ state: State) -> Coverage.Item {
        let codes = (state.codes[source.name] ?? [:]).sorted { $0.key < $1.key }
        let records = source.topics.reduce(0) { $0 + (state.sent[$1.name] ?? 0) }
        var facts = [count(records, "record")]
        if !codes.isEmpty {
            facts.append("dead letters " + codes.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        }
        return Coverage.Item(
            name: source.name, kind: "source", facts: facts,
            branches: source.topics.map {
                .init(name: "a record of \($0.name)", isReached: state.sent[$0.name] ?? 0 > 0)
            } + [.init(name: "a record that is set aside", isReached: !codes.isEmpty)])
    }

    private static func projector(
        _ processor: ProcessorDefinition, _ source: SourceDefinition, _ state: State
    ) -> Coverage.Item {
        let applied = state.applied[source.name] ?? 0
        let skipped = state.skipped[source.name] ?? 0
        var branches = [Coverage.Branch(name: "an event", isReached: applied > 0)]
        if source.format == .ditto {
            branches.append(
                .init(name: "an event that is stale, repeated or without its thing", isReached: skipped > 0))
        }
        return Coverage.Item(
            name: processor.name, kind: processor.kind,
            facts: [count(Int(applied), "event")] + (skipped > 0 ? ["\(skipped) dropped"] : []), branches: branches)
    }

    /// What reads records as they are is reached where its counters have moved.
    private static func reader(
        _ processor: ProcessorDefinition, _ entry: ProcessorRegistry.Entry, _ source: SourceDefinition, _ state: State
    ) -> Coverage.Item {
        let counters = state.counters[source.name] ?? [:]
        let moved = entry.spec.metrics.filter { counters[$0.name] ?? 0 > 0 }
        var branches = entry.spec.metrics.filter { $0.name != "callsDropped" || processor.settings["maxAge"] != nil }
            .map { metric in
                Coverage.Branch(name: metric.summary, isReached: moved.contains(metric))
            }
        for topic in entry.spec.topics(writtenBy: processor, of: source) {
            branches.append(
                .init(
                    name: "a record to \(topic.name) (`\(topic.word)`)", isReached: state.emitted.contains(topic.name)))
        }
        return Coverage.Item(
            name: processor.name, kind: processor.kind,
            facts: moved.map { "\($0.name) \(counters[$0.name] ?? 0)" }, branches: branches)
    }

    private static func item(
        _ processor: ProcessorDefinition, _ entry: ProcessorRegistry.Entry, _ seen: Seen
    ) -> Coverage.Item {
        var facts = [count(seen.changes, "change")]
        var branches = [Coverage.Branch(name: "a change", isReached: seen.changes > 0)]
        if entry.spec.output == .changes {
            facts.append("\(seen.held) held back")
            branches += [
                .init(name: "a change that passes", isReached: seen.passed > 0),
                .init(name: "a change that is held back", isReached: seen.held > 0),
            ]
        }
        if seen.samples > 0 { facts.append(count(seen.samples, "sample")) }
        if seen.timers > 0 { facts.append("\(count(seen.timers, "timer")) fired") }
        if seen.late > 0 { facts.append("\(seen.late) late") }
        if !seen.refusals.isEmpty {
            let codes = seen.refusals.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            facts.append("refused " + codes.joined(separator: ", "))
        } else if (try? entry.make(processor))?.refuses ?? entry.mayRefuse {
            facts.append("refused none")
        }
        let hasTimers = entry.spec.fields.contains { $0.name == "grace" }
        if hasTimers {
            branches.append(.init(name: "a timer that fires", isReached: seen.timers > 0))
            branches.append(.init(name: "a late sample", isReached: seen.late > 0))
        }
        for field in entry.spec.fields {
            switch (field.kind, processor.settings[field.name]?.content) {
            case (.topic, .string(let topic)?):
                branches.append(
                    .init(name: "a record to \(topic) (`\(field.name)`)", isReached: seen.emitted[topic] ?? 0 > 0))
            case (.globs, .list(let patterns)?):
                for pattern in patterns {
                    guard case .string(let text) = pattern.content else { continue }
                    branches.append(
                        .init(
                            name: "a path that `\(field.name)` \(text) matches",
                            isReached: seen.patterns.contains("\(field.name) \(text)")))
                }
            default: break
            }
        }
        return Coverage.Item(name: processor.name, kind: processor.kind, facts: facts, branches: branches)
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
