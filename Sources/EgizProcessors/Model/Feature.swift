import EgizCore
import EgizTwin

/// One feature of a task: which path of a thing, what of it, and what if it is missing.
final class Feature: Sendable {
    /// More samples than anybody needs; a path that floods must not fill the state.
    static let mostSamples = 10_000
    static let usualSamples = 1000

    enum Missing: String, CaseIterable { case skip, `default`, last }

    static let fields: [KindField] = [
        KindField("name", .string, required: true, "What the model calls it, unique in its task."),
        KindField(
            "path", .path, required: true, "The path of the thing, such as `features.filler.flow`, or a JSON pointer."),
        KindField(
            "value", .choice(["last"] + FeatureWindow.Aggregate.allCases.map(\.rawValue)), default: "last",
            "`last`: the value as it is. Over a window of samples: `mean`, `min`, `max`, `std` (of what is in it), `slope` (a second), `count`, or `raw`, which is `[[seconds, value], …]`, oldest first, seconds from the question's time."
        ),
        KindField("window", .duration, "The window holds the samples of the last so long, in event time."),
        KindField(
            "samples", .int(1...Int64(mostSamples)),
            "The window holds the last so many samples; 1000 at most where only `window` is given."),
        KindField(
            "missing", .choice(Missing.allCases.map(\.rawValue)), default: "skip",
            "Without a value: `skip` does not ask, `default` takes `default`, `last` the value that the feature had last."
        ),
        KindField("default", .value, "What the feature is without a value; null where left out."),
    ]

    let name: String
    /// Segments of the path in the thing.
    let path: [String]
    /// Nil: the value as it is.
    let aggregate: FeatureWindow.Aggregate?
    /// In microseconds.
    let length: Int64?
    let most: Int
    let missing: Missing
    let fallback: JSONValue

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        guard let name = try reader.text("name"), !name.utf8.isEmpty, name.utf8.count <= 256 else {
            throw reader.fault("name", "a name of 1 to 256 bytes")
        }
        self.name = name
        guard let path = try reader.path("path")?.paths.first else { throw reader.fault("path", "a path") }
        self.path = path
        let value = try reader.text("value") ?? "last"
        aggregate = FeatureWindow.Aggregate(rawValue: value)
        guard aggregate != nil || value == "last" else {
            throw reader.fault(
                "value", "last, \(FeatureWindow.Aggregate.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        length = try reader.duration("window")
        if let length, length <= 0 { throw reader.fault("window", "a time above 0") }
        let samples = try reader.integer("samples")
        if let samples, !(1...Self.mostSamples).contains(samples) {
            throw reader.fault("samples", "a number from 1 to \(Self.mostSamples)")
        }
        most = samples ?? Self.usualSamples
        let hasWindow = length != nil || samples != nil
        if aggregate == nil, hasWindow {
            throw reader.fault(
                at: reader.value("window")?.mark ?? reader.value("samples")?.mark ?? reader.mark,
                "\(reader.path): `value: last` has no window; remove `window` and `samples`, or choose what is calculated over it"
            )
        }
        if aggregate != nil, !hasWindow {
            throw reader.fault(
                at: reader.mark, "\(reader.path): `value: \(value)` needs a window; add `window: 10s` or `samples: 20`")
        }
        guard let missing = Missing(rawValue: try reader.text("missing") ?? "skip") else {
            throw reader.fault("missing", Missing.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.missing = missing
        if missing != .default, let value = reader.value("default") {
            throw reader.fault(
                at: value.mark,
                "\(reader.path).default: it is taken only with `missing: default`; add that, or remove it")
        }
        fallback = reader.value("default").map(JSONValue.init(config:)) ?? .null
    }

    /// What distinguishes its window in a state: another path is another window.
    var signature: String { "\(name)\u{0}\(path.joined(separator: "/"))" }
}

extension JSONValue {
    /// A value of a file as JSON.
    init(config: ConfigValue) {
        switch config.content {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .string(text)
        case .list(let items): self = .array(items.map(JSONValue.init(config:)))
        case .map(let members):
            var object = JSONObject()
            for member in members { object[member.key] = JSONValue(config: member.value) }
            self = .object(object)
        }
    }
}
