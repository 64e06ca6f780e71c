import EgizCore
import EgizTwin

/// Checks a topology as a whole: every edge leads somewhere, nothing runs in a circle, what flows along an edge is what its
/// reader takes, and no projection has two writers.
struct GraphCheck {
    let draft: DraftTopology
    let registry: ProcessorRegistry
    let faults: FaultList
    private let sources: [String: DraftTopology.Source]
    private let processors: [String: DraftTopology.Processor]

    init(draft: DraftTopology, registry: ProcessorRegistry, faults: FaultList) {
        self.draft = draft
        self.registry = registry
        self.faults = faults
        // Names are unique here: a repeated key of a map was refused and left out.
        sources = Dictionary(draft.sources.map { ($0.definition.name, $0) }, uniquingKeysWith: { first, _ in first })
        processors = Dictionary(
            draft.processors.map { ($0.definition.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func run() {
        let cyclic = checkCycles()
        checkNames()
        checkEdges(except: cyclic)
        checkUnusedSources()
        checkProjections(except: cyclic)
        checkLonely()
        checkPeers()
        checkTopics()
        checkTopicCycles()
    }

    private func source(_ name: String) -> DraftTopology.Source? { sources[name] }

    private func processor(_ name: String) -> DraftTopology.Processor? { processors[name] }

    /// Stages meet through topics, and must not do so in a circle that nobody meant.
    private func checkTopicCycles() {
        let topology = Topology(
            name: "", description: nil, delivery: .exactlyOnce, parallelism: 1, commit: .standard,
            sources: draft.sources.map(\.definition), processors: draft.processors.map(\.definition), kafka: [:],
            sourceText: "")
        for cycle in TopicCycle.undeclared(in: [topology], registry: registry) {
            guard let last = cycle.edges.last else { continue }
            faults.error(
                at: last.mark,
                "records run in a circle: \(cycle.text); write to another topic, or say `cycle: true` at a source of the circle where that is meant"
            )
        }
    }

    private func checkNames() {
        for processor in draft.processors {
            guard let source = source(processor.definition.name) else { continue }
            faults.error(
                at: processor.definition.mark,
                "the processor `\(processor.definition.name)` has the name of a source (line \(source.definition.mark.line)); give it another"
            )
        }
    }

    // MARK: - Edges

    private func checkEdges(except cyclic: Set<String>) {
        let names = draft.sources.map(\.definition.name) + draft.processors.map(\.definition.name)
        for processor in draft.processors {
            let definition = processor.definition
            guard let mark = processor.fromMark, !cyclic.contains(definition.name) else { continue }
            if let source = source(definition.from) {
                // A source gives both: what is decoded, and what is not.
                let gives: KindSpec.Stream = processor.spec?.input == .records ? .records : .events
                checkFlow(gives, from: "the source `\(definition.from)`", into: processor, at: mark)
                checkFormat(of: source, into: processor, at: mark)
            } else if let upstream = self.processor(definition.from) {
                guard let output = upstream.spec?.output else { continue }
                checkFlow(output, from: "`\(definition.from)`", into: processor, at: mark)
            } else {
                let others = names.filter { $0 != definition.name }
                faults.error(
                    at: mark,
                    "`processors.\(definition.name.shortened).from`: nothing is called \"\(definition.from.shortened)\"; expected \(others.isEmpty ? "a source" : Word.Shape.list(others))\(ValueCheck.hint(for: definition.from, among: others))"
                )
            }
        }
    }

    private func checkFlow(
        _ output: KindSpec.Stream, from upstream: String, into processor: DraftTopology.Processor, at mark: SourceMark
    ) {
        guard let spec = processor.spec, spec.input != output else { return }
        let what: String
        switch output {
        case .events, .records: what = "gives records"
        case .changes: what = "gives changes of twins"
        case .none: what = "gives nothing on"
        }
        let reads: String
        let advice: String
        switch spec.input {
        case .changes:
            reads = "reads changes of twins"
            advice = feeders(of: .changes)
        case .events, .records:
            reads = "reads records"
            advice = "; let it read from a source"
        case .none:
            reads = "reads nothing"
            advice = ""
        }
        faults.error(
            at: mark,
            "`processors.\(processor.definition.name.shortened).from`: a \(spec.kind) \(reads), but \(upstream) \(what)\(advice)"
        )
    }

    /// Which processors of this file give that; a hint.
    private func feeders(of stream: KindSpec.Stream) -> String {
        let names = draft.processors.filter { $0.spec?.output == stream }.map(\.definition.name)
        return names.isEmpty
            ? "; put a twin-projector between them" : "; did you mean \(Word.Shape.list(names))?"
    }

    private func checkFormat(
        of source: DraftTopology.Source, into processor: DraftTopology.Processor, at mark: SourceMark
    ) {
        guard let spec = processor.spec, source.hasFormat else { return }
        if spec.input == .records, source.definition.format != .json {
            faults.error(
                at: mark,
                "`processors.\(processor.definition.name.shortened).from`: a \(spec.kind) needs a source of format `json`, but `\(source.definition.name)` has the format `\(source.definition.format.rawValue)`"
            )
        }
        guard spec.input == .events, spec.output == .changes, source.definition.format == .json else { return }
        faults.error(
            at: mark,
            "`processors.\(processor.definition.name.shortened).from`: a \(spec.kind) needs a source of format `ditto` or `telemetry`, but `\(source.definition.name)` has the format `json`"
        )
    }

    /// Every processor has one `from`, so a walk upwards either ends or comes round.
    /// - Returns: the processors on a circle.
    private func checkCycles() -> Set<String> {
        var cyclic: Set<String> = []
        for start in draft.processors where !cyclic.contains(start.definition.name) {
            var way = [start.definition.name]
            var current = start
            while source(current.definition.from) == nil, let next = processor(current.definition.from) {
                if next.definition.name == start.definition.name {
                    cyclic.formUnion(way)
                    let circle = (way + [start.definition.name]).map { "`\($0.shortened)`" }.joined(separator: " from ")
                    faults.error(
                        at: start.fromMark ?? start.definition.mark,
                        "the processors feed each other in a circle: \(circle); let one of them read from a source")
                    break
                }
                if way.contains(next.definition.name) { break }
                way.append(next.definition.name)
                current = next
            }
        }
        return cyclic
    }

    // MARK: - Sources and projections

    private func checkUnusedSources() {
        // A misspelt `from` is reported already, and may well mean the source that looks unused.
        guard !draft.processors.contains(where: { isDangling($0) }) else { return }
        for source in draft.sources {
            let name = source.definition.name
            guard !draft.processors.contains(where: { $0.definition.from == name }) else { continue }
            faults.warning(
                at: source.definition.mark, "the source `\(name.shortened)` feeds no processor: it is read for nothing")
        }
    }

    /// What reads records as they are has its source for itself: its stage keeps no twins.
    private func checkLonely() {
        for processor in draft.processors where processor.spec?.input == .records {
            let name = processor.definition.name
            guard source(processor.definition.from) != nil else { continue }
            for other in draft.processors
            where other.definition.from == processor.definition.from && other.definition.name != name {
                // Of two of them, the second is told.
                if other.spec?.input == .records, other.definition.mark < processor.definition.mark { continue }
                faults.error(
                    at: other.fromMark ?? other.definition.mark,
                    "`\(other.definition.name)` reads from the source `\(processor.definition.from)`, which `\(name)` (line \(processor.definition.mark.line)), a \(processor.definition.kind), needs for itself; give it a source of its own"
                )
            }
        }
    }

    private func checkPeers() {
        let definitions = draft.processors.map(\.definition)
        for processor in draft.processors {
            guard let check = processor.spec?.checkPeers else { continue }
            faults.add(check(processor.definition, definitions.filter { $0.name != processor.definition.name }))
        }
    }

    private func isDangling(_ processor: DraftTopology.Processor) -> Bool {
        let from = processor.definition.from
        return source(from) == nil && self.processor(from) == nil
    }

    /// Things belong to the stage that created them, so each stage may have its own writer; one stage must not have two.
    private func checkProjections(except cyclic: Set<String>) {
        var writers: [String: DraftTopology.Processor] = [:]
        for processor in draft.processors where !cyclic.contains(processor.definition.name) {
            guard let root = root(of: processor), let spec = processor.spec else { continue }
            for projection in spec.projections {
                let own = projection.replacing("{name}", with: processor.definition.name)
                let key = "\(root)\u{0}\(own)"
                if let first = writers[key] {
                    faults.error(
                        at: processor.definition.mark,
                        "`\(processor.definition.name)` and `\(first.definition.name)` (line \(first.definition.mark.line)) both write the projection `\(projection)` of the source `\(root)`; a projection has one writer, remove one of them"
                    )
                } else {
                    writers[key] = processor
                }
            }
        }
    }

    private func root(of processor: DraftTopology.Processor) -> String? {
        var current = processor
        for _ in 0...draft.processors.count {
            if source(current.definition.from) != nil { return current.definition.from }
            guard let next = self.processor(current.definition.from) else { return nil }
            current = next
        }
        return nil
    }

    private func checkTopics() {
        var readers: [String: DraftTopology.Source] = [:]
        for source in draft.sources {
            for topic in source.definition.topics {
                guard let first = readers[topic.name] else {
                    readers[topic.name] = source
                    continue
                }
                let pair =
                    "`\(first.definition.name)` (line \(first.definition.mark.line)) and `\(source.definition.name)`"
                if hasProjector(first), hasProjector(source) {
                    faults.error(
                        at: topic.mark,
                        "\(pair) both make twins of the topic \"\(topic.name)\", but a thing belongs to one stage; let one of them read another topic"
                    )
                } else {
                    faults.warning(at: topic.mark, "\(pair) both read the topic \"\(topic.name)\"")
                }
            }
        }
    }

    private func hasProjector(_ source: DraftTopology.Source) -> Bool {
        draft.processors.contains {
            $0.definition.from == source.definition.name && $0.spec?.projections.contains("twin") == true
        }
    }
}
