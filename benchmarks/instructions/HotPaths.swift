import EgizCore
import EgizPostgres
import EgizProcessors
import EgizTwin

/// One hot path each: made ready and warmed up outside of the region, then run once inside. The result is how many events, samples
/// or rows the region did, so that a figure is per one of them.
enum HotPaths {
    static let all: [(name: String, run: @Sendable () throws -> Int)] = [
        ("decode-ditto", { try decode(.ditto) }),
        ("decode-telemetry", { try decode(.telemetry) }),
        ("fold", { try fold(.ditto) }),
        ("fold-telemetry", { try fold(.telemetry) }),
        ("step-history", { try step(.ditto, things: 100, rounds: 60, [history]) }),
        ("step-history-telemetry", { try step(.telemetry, things: 100, rounds: 60, [history]) }),
        ("step-many-things", { try step(.ditto, things: 4000, rounds: 4, [history]) }),
        ("step-history-rollup", { try step(.ditto, things: 100, rounds: 60, [history, rollup]) }),
        ("step-everything", { try step(.ditto, things: 100, rounds: 60, [history, rollup, scene, alerts]) }),
        ("close-epoch", { try closeEpoch([history]) }),
        ("close-everything", { try closeEpoch([history, rollup, scene, alerts]) }),
        ("segment-copy", { try segmentCopy() }),
    ]

    private static let things = 100
    private static let rounds = 60
    private static let stage = StageName(topology: "bench", source: "events")
    private static let mark = SourceMark(line: 1, column: 1)

    private struct Unexpected: Error { var what: String }

    // MARK: Paths

    private static func decode(_ format: RecordFormat) throws -> Int {
        let log = EventLog(things: things, rounds: rounds, format: format)
        let decoder = RecordDecoder(paths: PathTable())
        func all() throws {
            for index in 0..<log.count {
                let record = log[index]
                guard case .event = decoder.decode(record.value, format: format, recordTime: record.timestamp) else {
                    throw Unexpected(what: "event \(index) was not decoded")
                }
            }
        }
        try all()
        try MeasuredRegion.run(all)
        return log.count
    }

    /// The first half of the rounds warms up.
    private static func fold(_ format: RecordFormat) throws -> Int {
        let log = EventLog(things: things, rounds: rounds, format: format)
        let paths = PathTable()
        let decoder = RecordDecoder(paths: paths)
        var events: [TwinEvent] = []
        var twins: [Twin] = []
        for index in 0..<log.count {
            let record = log[index]
            guard case .event(let event) = decoder.decode(record.value, format: format, recordTime: record.timestamp)
            else { throw Unexpected(what: "event \(index) was not decoded") }
            events.append(event)
            if index < things { twins.append(Twin(thing: event.thing)) }
        }
        var change = ChangeBuffer()
        func apply(_ range: Range<Int>) throws {
            for index in range {
                change.removeAll()
                guard case .applied = twins[index % things].apply(events[index], paths: paths, into: &change) else {
                    throw Unexpected(what: "event \(index) was not folded")
                }
            }
        }
        let half = log.count / 2
        try apply(0..<half)
        try MeasuredRegion.run { try apply(half..<log.count) }
        return log.count - half
    }

    /// From the record to the open epoch's columns; the first half of the rounds warms up and is committed.
    private static func step(
        _ format: RecordFormat, things: Int, rounds: Int, _ processors: [ProcessorDefinition]
    ) throws -> Int {
        let log = EventLog(things: things, rounds: rounds, format: format)
        let step = try makeStep(format, processors)
        let half = log.count / 2
        try process(log, 0..<half, step)
        step.committed(1, output: step.closeEpoch(1), cacheBytes: 256 << 20)
        try MeasuredRegion.run { try process(log, half..<log.count, step) }
        guard step.counters.applied == log.count else { throw Unexpected(what: "\(step.counters)") }
        return log.count - half
    }

    /// The documents of all touched twins, the states and rows of processors, and the columns. Per twin.
    private static func closeEpoch(_ processors: [ProcessorDefinition]) throws -> Int {
        let log = EventLog(things: things, rounds: rounds, format: .ditto)
        let step = try makeStep(.ditto, processors)
        // Two warm up: documents that stay as they are get a template with their second text.
        let third = log.count / 3
        for epoch in 1...2 {
            try process(log, (epoch - 1) * third..<epoch * third, step)
            step.committed(Int64(epoch), output: step.closeEpoch(Int64(epoch)), cacheBytes: 256 << 20)
        }
        try process(log, 2 * third..<log.count, step)
        var output: StepOutput?
        try MeasuredRegion.run { output = step.closeEpoch(3) }
        guard output?.twins.count == things else { throw Unexpected(what: "\(output?.twins.count ?? 0) twins") }
        return things
    }

    /// Rows of `history_segment` in Postgres' binary COPY format: ten samples a segment. Per segment.
    private static func segmentCopy() throws -> Int {
        let segments = 5000
        let times = (0..<10).map { 1_772_431_300_000_000 + Int64($0) * 50_000 }
        let numbers = (0..<10).map { 20 + Double($0) / 8 }
        func all() throws {
            var copy = CopyBinary.discarding()
            for segment in 0..<segments {
                try copy.row(columns: 9)
                copy.int64(Int64(segment))
                copy.timestamp(microseconds: times[0])
                copy.timestamp(microseconds: times[9])
                copy.int64(7)
                copy.int32(10)
                copy.int16(SampleKind.number.rawValue)
                copy.timestamps(times[...])
                copy.doubles(numbers[...])
                copy.null()
            }
            guard copy.rows == segments else { throw Unexpected(what: "\(copy.rows) rows") }
        }
        try all()
        try MeasuredRegion.run(all)
        return segments
    }

    // MARK: Setup

    private static func process(_ log: EventLog, _ range: Range<Int>, _ step: PartitionStep) throws {
        for index in range {
            let record = log[index]
            once: while true {
                switch try step.process(record) {
                case .done: break once
                case .needs(let thing): try step.install([], asked: [thing])
                case .needsTimers: step.installTimers([], isLast: true)
                case let verdict: throw Unexpected(what: "event \(index): \(verdict)")
                }
            }
        }
    }

    private static func makeStep(_ format: RecordFormat, _ processors: [ProcessorDefinition]) throws -> PartitionStep {
        let source = SourceDefinition(
            name: "events", topics: [.init(name: "bench", partitions: 1, config: [:], mark: mark)], format: format,
            start: .earliest, onGap: .fail, idle: .seconds(5), mark: mark)
        let projector = ProcessorDefinition(
            name: "twins", kind: "twin-projector", from: "events", settings: [:], mark: mark)
        return try PartitionStep(
            task: TaskID(stage: stage, partition: 0),
            stage: StageDefinition(name: stage, source: source, processors: [projector] + processors),
            registry: .builtin, tables: StreamTables())
    }

    private static let history = ProcessorDefinition(
        name: "history", kind: "history-writer", from: "twins",
        settings: [
            "include": patterns(["/attributes/**", "/features/**"]), "exclude": patterns([]),
            "onlyChanges": ConfigValue(.bool(false), at: mark),
        ], mark: mark)

    private static let rollup = ProcessorDefinition(
        name: "minutes", kind: "rollup", from: "twins",
        settings: [
            "include": patterns(["/features/**"]), "exclude": patterns([]),
            "interval": ConfigValue(.int(60_000), at: mark),
            "grace": ConfigValue(.int(10_000), at: mark),
        ], mark: mark)

    private static let scene = rules(
        "scene", "binding-evaluator", "bindings",
        #"""
        [{"objectName": "Tank", "target": "color", "path": "features.f0.temperature",
          "range": {"in": [20, 90], "out": ["#0000ff", "#ff0000"]}},
         {"objectName": "Lamp", "target": "visibility", "path": "features.f1.temperature", "expression": "value > 75"}]
        """#)

    private static let alerts = rules(
        "alerts", "alert-rule", "rules",
        #"""
        [{"name": "hot", "when": "features.f0.temperature > 78", "margin": 10, "message": "{name} is hot"},
         {"name": "warm", "when": "features.f2.temperature > 60 and features.f3.temperature > 60", "message": "{name} is warm"}]
        """#)

    /// A processor with one word, whose value a topology file would write so; what is no JSON is refused when the step is made.
    private static func rules(_ name: String, _ kind: String, _ word: String, _ json: String) -> ProcessorDefinition {
        let value = (try? JSONParser().parse(Array(json.utf8))) ?? .null
        return ProcessorDefinition(
            name: name, kind: kind, from: "twins", settings: [word: ConfigValue(json: value, at: mark)], mark: mark)
    }

    private static func patterns(_ items: [String]) -> ConfigValue {
        ConfigValue(.list(items.map { ConfigValue(.string($0), at: mark) }), at: mark)
    }
}
