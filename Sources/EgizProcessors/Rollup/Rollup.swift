public import EgizCore
public import EgizTwin

/// The kind `rollup`: count, minimum, maximum, sum, average, first and last of every numeric path in windows of event time.
///
/// A window's row is written by every epoch that changes it, and once more when it closes; a late sample within the grace corrects
/// only its own windows. Every number that an event writes counts, also where it is the same as before.
public final class Rollup: StatefulProcessor {
    public typealias State = RollupState

    public static let spec = KindSpec(
        kind: "rollup",
        summary: """
            Aggregates the numbers of each path in windows of event time (count, min, max, sum, average, first, last) into the \
            projection `rollup`; `hop` makes the windows overlap.
            """,
        input: .changes,
        output: .none,
        projections: ["rollup/{name}"],
        fields: [
            .init(
                "include", .globs, default: #"["/features/**"]"#,
                "Paths that are aggregated, where they hold numbers; `*` stands for one segment, `**` for any number of them."
            ),
            .init("exclude", .globs, default: "[]", "Paths that are not, although `include` names them."),
            .init("interval", .duration, required: true, "The length of a window; windows are aligned to 1970-01-01."),
            .init("hop", .duration, "A new window begins this often; without it when the one before ends."),
            .init(
                "grace", .duration, default: "0s",
                "How long after its end, in stream time, a window still takes late samples."),
            .init("to", .topic, "A topic for closed windows, one record a window, key: the thing id."),
            .init(
                "lateTo", .topic,
                "A topic for samples that came too late for their window; they are counted in any case."),
        ],
        metrics: [
            .init("late", "samples that came too late for their window"),
            .init(
                "ruleErrors", "closed windows whose record is larger than Kafka takes; they are in the projection only"),
        ],
        messages: ["to": "rollup.v1.schema.json", "lateTo": "late-sample.v1.schema.json"],
        example: """
            minutes: { kind: rollup, from: twins, interval: 1m, grace: 10s, to: rollup.v1.minutes }
            """)

    // A record that tells of a late sample may be larger than Kafka takes; nothing else can fail.
    public var refuses: Bool { lateTopic != nil }

    private let include: [PathPattern]
    private let exclude: [PathPattern]
    private let window: WindowSpec
    private let topic: String?
    private let lateTopic: String?
    /// What the patterns say of each path, by the path's id.
    private var decisions: [Decision] = []

    private enum Decision: UInt8 { case unknown, taken, left }

    public init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let reader = SettingsReader(definition)
        include = try reader.patterns("include")
        exclude = try reader.patterns("exclude")
        let size = try reader.duration("interval") ?? 0
        let hop = try reader.duration("hop") ?? size
        guard size > 0 else { throw reader.fault("interval", "a duration above zero") }
        guard hop > 0, hop <= size else { throw reader.fault("hop", "a duration above zero, at most `interval`") }
        guard size / hop <= 1000 else {
            throw reader.fault(
                "hop", "at least a thousandth of `interval`: each sample counts in \(size / hop) windows")
        }
        window = WindowSpec(size: size, hop: hop, grace: try reader.duration("grace") ?? 0)
        topic = try reader.text("to")
        lateTopic = try reader.text("lateTo")
    }

    public func process(_ change: borrowing TwinChange, state: RollupState, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        for leaf in change.leaves {
            let number: Double
            switch leaf.value {
            case .number(let value): number = value
            case .integer(let value): number = Double(value)
            default: continue
            }
            guard takes(leaf.path, in: change.paths) else { continue }
            var series = -1
            var isLate = false
            window.forEachStart(holding: change.time) { start in
                let close = window.close(of: start)
                guard close > change.streamTime else {
                    isLate = true
                    return
                }
                if series < 0 { series = state.index(of: leaf.path, in: change.paths) }
                if state.add(number, at: change.time, to: series, start: start) { effects.setTimer(at: close) }
            }
            if isLate {
                effects.countLate()
                if let lateTopic {
                    let path = change.paths.text(of: leaf.path)
                    try effects.emit(to: lateTopic, value: late(change.thing, path, number, change.time))
                }
            }
        }
    }

    public func tick(_ tick: TimerTick, state: RollupState, into effects: inout RecordEffects) {
        for index in state.series.indices {
            while let first = state.series[index].windows.first, window.close(of: first.start) <= tick.due {
                state.series[index].windows.removeFirst()
                let path = state.series[index].path
                state.closed.append((path, first))
                guard let topic else { continue }
                // A few kilobytes at most, and a tick cannot refuse: of a smaller limit people must hear.
                do throws(RecordFault) {
                    try effects.emit(to: topic, value: closed(tick.thing, path, first))
                } catch { effects.countRuleError() }
            }
        }
        state.series.removeAll { $0.windows.isEmpty }
    }

    public func project(_ thing: ThingID, state: RollupState, into rows: inout ProjectionRows) {
        func row(_ path: String, _ one: RollupState.Window, isFinal: Bool) -> RollupRow {
            let start = EventTime(microseconds: one.start)
            return RollupRow(
                home: rows.home, processor: rows.processor, thing: thing, path: path, start: start,
                end: start.advanced(byMicroseconds: window.size), aggregate: one.aggregate, isFinal: isFinal)
        }
        for (path, one) in state.closed { rows.upsert(row(path, one, isFinal: true)) }
        state.closed.removeAll()
        for index in state.series.indices {
            for place in state.series[index].windows.indices where state.series[index].windows[place].isDirty {
                state.series[index].windows[place].isDirty = false
                rows.upsert(row(state.series[index].path, state.series[index].windows[place], isFinal: false))
            }
        }
    }

    private func takes(_ path: PathID, in table: PathTable) -> Bool {
        let index = Int(path.raw)
        if index >= decisions.count {
            decisions.append(contentsOf: repeatElement(.unknown, count: index + 64 - decisions.count))
        }
        if decisions[index] == .unknown {
            let segments = table.segments(of: path)
            let isTaken =
                include.contains { $0.matches(segments) } && !exclude.contains { $0.matches(segments) }
                && table.text(of: path).utf8.count <= 1024
            decisions[index] = isTaken ? .taken : .left
        }
        return decisions[index] == .taken
    }

    // MARK: Records

    private func closed(_ thing: ThingID, _ path: String, _ one: RollupState.Window) -> [UInt8] {
        let aggregate = one.aggregate
        var object = JSONObject()
        object["thingId"] = .string(thing.text)
        object["path"] = .string(path)
        object["start"] = .string(EventTime(microseconds: one.start).text)
        object["end"] = .string(EventTime(microseconds: one.start).advanced(byMicroseconds: window.size).text)
        object["count"] = .int(aggregate.count)
        object["min"] = .double(aggregate.min)
        object["max"] = .double(aggregate.max)
        object["sum"] = aggregate.sum.isFinite ? .double(aggregate.sum) : .null
        object["avg"] = aggregate.average.isFinite ? .double(aggregate.average) : .null
        object["first"] = .double(aggregate.first)
        object["last"] = .double(aggregate.last)
        return Array(JSONValue.object(object).text.utf8)
    }

    private func late(_ thing: ThingID, _ path: String, _ number: Double, _ time: EventTime) -> [UInt8] {
        var object = JSONObject()
        object["thingId"] = .string(thing.text)
        object["path"] = .string(path)
        object["time"] = .string(time.text)
        object["value"] = .double(number)
        return Array(JSONValue.object(object).text.utf8)
    }
}
