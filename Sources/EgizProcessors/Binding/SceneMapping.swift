import EgizCore
import EgizTwin

/// How the value of a path becomes the value of a property. One of its words stands in a binding, or none.
enum SceneMapping: Sendable {
    static let words = ["range", "steps", "map", "format"]

    case identity
    case range(low: Double, high: Double, ends: Ends, clamps: Bool)
    /// By rising threshold.
    case steps([(from: Double, value: SceneValue)], hysteresis: Double)
    case map([(key: String, value: SceneValue)])
    case format(TextTemplate, unit: String?)

    /// Between which values a range lies.
    enum Ends: Sendable {
        case numbers(Double, Double)
        case vectors([Double], [Double])
        case colors(SceneColor, SceneColor)

        init?(_ from: SceneValue, _ to: SceneValue) {
            switch (from, to) {
            case (.number(let a), .number(let b)): self = .numbers(a, b)
            case (.vector(let a), .vector(let b)) where a.count == b.count: self = .vectors(a, b)
            case (.text(let a), .text(let b)):
                guard let a = SceneColor(a), let b = SceneColor(b) else { return nil }
                self = .colors(a, b)
            default: return nil
            }
        }

        func value(at share: Double) -> Outcome {
            func line(_ a: Double, _ b: Double) -> Double { a + (b - a) * share }
            switch self {
            case .numbers(let a, let b):
                let result = line(a, b)
                return result.isFinite ? .value(.number(result)) : .failed
            case .vectors(let a, let b):
                let result = zip(a, b).map(line)
                return result.allSatisfy(\.isFinite) ? .value(.vector(result)) : .failed
            case .colors(let a, let b): return .value(.text(SceneColor.between(a, b, at: share).text))
            }
        }
    }

    static let fields: [KindField] = [
        .init(
            "range",
            .map([
                .init("in", .pair, required: true, "Two different numbers: where the range begins and ends."),
                .init(
                    "out", .pair, required: true, "What they become: two numbers, two colours, or two lists of numbers."
                ),
                .init("clamp", .bool, default: "true", "Values outside become the nearer end; else the line goes on."),
            ]), "Numbers on a line between two values."),
        .init(
            "steps",
            .list(
                noun: "a step",
                [
                    .init("from", .number, required: true, "The step begins at this number."),
                    .init("value", .value, required: true, "What the property is from there on."),
                ]), "Thresholds: the highest step that is reached counts; below all of them `default`."),
        .init(
            "hysteresis", .number,
            "How far below its threshold a number must fall before a step of `steps` is left again."),
        .init("map", .values, "Value to value; what is not in it becomes `default`."),
        .init(
            "format", .template(allowsValue: true),
            "A text with expressions in braces; `{value:.1}` writes the value with one digit after the point."),
        .init("unit", .string, "Stands behind the text of `format`, after a space."),
    ]

    init(_ reader: SettingsReader, _ target: SceneTarget) throws(TopologyFaults) {
        let given = Self.words.filter(reader.has)
        guard given.count <= 1 else {
            throw reader.fault(
                at: reader.value(given[1])?.mark ?? reader.mark,
                "\(reader.path): found `\(given[0])` and `\(given[1])`, expected one of `range`, `steps`, `map` and `format`"
            )
        }
        for (word, owner) in [("hysteresis", "steps"), ("unit", "format")] where reader.has(word) && !reader.has(owner)
        {
            throw reader.fault(
                at: reader.value(word)?.mark ?? reader.mark,
                "\(reader.path).\(word): has a meaning only beside `\(owner)`")
        }
        switch given.first {
        case "range": self = try Self.range(reader, target)
        case "steps": self = try Self.steps(reader, target)
        case "map": self = try Self.map(reader, target)
        case "format":
            guard let template = try reader.template("format", allowsValue: true) else {
                throw reader.fault("format", "a text")
            }
            self = .format(template, unit: try reader.text("unit"))
        default: self = .identity
        }
    }

    private static func range(_ reader: SettingsReader, _ target: SceneTarget) throws(TopologyFaults) -> SceneMapping {
        guard let range = try reader.map("range") else { throw reader.fault("range", "a map") }
        let bounds = try range.list("in").compactMap(SceneValue.init)
        guard bounds.count == 2, case .number(let low) = bounds[0], case .number(let high) = bounds[1], low != high
        else {
            throw range.fault("in", "two different numbers")
        }
        let out = try range.list("out")
        guard out.count == 2 else { throw range.fault("out", "two values") }
        let (from, to) = (
            try value(out[0], target, range.path + ".out"), try value(out[1], target, range.path + ".out")
        )
        guard let ends = Ends(from, to) else {
            throw range.fault("out", "two numbers, two colours, or two lists of as many numbers")
        }
        return .range(low: low, high: high, ends: ends, clamps: range.has("clamp") ? try range.bool("clamp") : true)
    }

    private static func steps(_ reader: SettingsReader, _ target: SceneTarget) throws(TopologyFaults) -> SceneMapping {
        var steps: [(from: Double, value: SceneValue)] = []
        for entry in try reader.entries("steps") {
            guard let from = try entry.number("from") else { throw entry.fault("from", "a number") }
            guard let config = entry.value("value") else { throw entry.fault("value", target.expected) }
            if let last = steps.last, from <= last.from {
                throw entry.fault("from", "a number above \(DecimalText.shortest(last.from)), the step before")
            }
            steps.append((from, try value(config, target, entry.path + ".value")))
        }
        guard !steps.isEmpty else { throw reader.fault("steps", "at least one step") }
        let hysteresis = try reader.number("hysteresis") ?? 0
        guard hysteresis >= 0, hysteresis.isFinite else { throw reader.fault("hysteresis", "a number of at least 0") }
        return .steps(steps, hysteresis: hysteresis)
    }

    private static func map(_ reader: SettingsReader, _ target: SceneTarget) throws(TopologyFaults) -> SceneMapping {
        guard let config = reader.value("map"), case .map(let members) = config.content, !members.isEmpty else {
            throw reader.fault("map", "a map of texts to values")
        }
        var pairs: [(key: String, value: SceneValue)] = []
        for member in members { pairs.append((member.key, try value(member.value, target, "\(reader.path).map"))) }
        return .map(pairs)
    }

    /// A value that the target takes.
    static func value(_ config: ConfigValue, _ target: SceneTarget, _ path: String) throws(TopologyFaults) -> SceneValue
    {
        if let value = SceneValue(config), let fit = target.fit(value) { return fit }
        var hint = ""
        if target.isColor, case .string(let text) = config.content { hint = SceneColor.hint(text) }
        throw TopologyFaults([
            TopologyFault(
                at: config.mark,
                "\(path): found \(config.found), expected \(target.expected) for `\(target.name)`\(hint)")
        ])
    }

    // MARK: At work

    enum Outcome {
        case value(SceneValue)
        /// The mapping says nothing of it: `default`.
        case unmapped
        /// It cannot take a value of this kind: `default`, and counted.
        case failed
    }

    /// - Parameter step: the step that counts, -1 below all; kept for hysteresis.
    func apply(_ value: ExpressionValue, step: inout Int, _ view: ThingView) -> Outcome {
        switch self {
        case .identity: return SceneValue(value).map { .value($0) } ?? .failed
        case .range(let low, let high, let ends, let clamps):
            guard case .number(let number) = value else { return .failed }
            var share = (number - low) / (high - low)
            // The span of the range, or the distance, may be beyond what float8 holds.
            guard share.isFinite else { return .failed }
            if clamps { share = share < 0 ? 0 : share > 1 ? 1 : share }
            return ends.value(at: share)
        case .steps(let steps, let hysteresis):
            guard case .number(let number) = value else { return .failed }
            var reached = (steps.firstIndex { $0.from > number } ?? steps.count) - 1
            if reached < step {
                var kept = Swift.min(step, steps.count - 1)
                while kept > reached, number < steps[kept].from - hysteresis { kept -= 1 }
                reached = kept
            }
            step = reached
            return reached < 0 ? .unmapped : .value(steps[reached].value)
        case .map(let pairs):
            guard let key = Self.key(value) else { return .failed }
            return pairs.first { $0.key.utf8.elementsEqual(key.utf8) }.map { .value($0.value) } ?? .unmapped
        case .format(let template, let unit):
            let text = template.text { number, place in
                let expression = template.expressions[number]
                return place == expression.valuePlace ? value : view.read(expression, place)
            }
            return .value(.text(unit.map { "\(text) \($0)" } ?? text))
        }
    }

    private static func key(_ value: ExpressionValue) -> String? {
        switch value {
        case .text(let text): text
        case .number(let number): DecimalText.shortest(number)
        case .boolean(let flag): flag ? "true" : "false"
        case .null: "null"
        case .missing, .failed, .compound: nil
        }
    }
}
