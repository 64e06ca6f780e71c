public import EgizCore
public import EgizTwin

/// What came out, as readers of the store see it: only what is committed.
extension TopologyDriver {
    /// The twin's document as the last commit left it, as JSON text; nil where it is unknown or deleted.
    public func twin(_ thing: String) -> String? {
        guard let id = try? ThingID(validating: thing) else { return nil }
        return store.twin(id)?.snapshot.document.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The committed samples of a path as a reader sees them.
    public func samples(_ thing: String, _ path: String) -> [MemorySample] { store.samples(.init(thing, path)) }

    public var deadLetters: [DeadLetter] { store.allDeadLetters }

    /// Everything that committed epochs emitted, in order.
    public var emitted: [OutputRecord] { store.emitted }

    /// Counters of all tasks of all stages, summed, by name, as of the last commit.
    public var counters: [String: Int64] {
        var sums: [String: Int64] = [:]
        for stage in stages { sums.merge(store.counters(of: stage.definition.name)) { $0 + $1 } }
        return sums
    }

    /// Things that have parked records, in their order.
    public var parkedThings: [ThingID] {
        Set(store.allDeadLetters.filter { $0.disposition == .parked }.compactMap(\.thing)).sorted()
    }

    /// How many records each topic was sent.
    public var sentRecords: [String: Int] { log.reduce(into: [:]) { $0[$1.topic, default: 0] += 1 } }

    /// The stream time of a task of the first stage.
    public func streamTime(partition: Int32 = 0) -> EventTime? { stages.first?.tasks[partition]?.step.streamTime }

    /// Bytes and twins of the caches of all tasks.
    public var cached: (twins: Int, bytes: Int) {
        stages.flatMap(\.tasks.values).reduce((0, 0)) { ($0.0 + $1.step.twins.count, $0.1 + $1.step.twins.bytes) }
    }
}
