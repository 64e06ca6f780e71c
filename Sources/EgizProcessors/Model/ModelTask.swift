import EgizCore
import EgizTwin

/// One task: which twins, what a model is told of them, and when.
final class ModelTask: Sendable {
    enum Trigger: String, CaseIterable { case event, change, time }

    private static let twinFields: [KindField] =
        TwinSelector.fields + [
            KindField("when", .expression(allowsValue: false), "Only while this is true of the twin.")
        ]

    /// What a task says beside its name: in a topology as words of the processor, in the registry as the column `settings`.
    static let fields: [KindField] = [
        .init("model", .string, "The model's name, as its service knows it; the task's name where left out."),
        .init(
            "twins",
            .map(twinFields), "Which twins; all where left out."),
        .init(
            "trigger", .choice(Trigger.allCases.map(\.rawValue)), default: "event",
            "`event`: after every event of the thing. `change`: after an event that changed one of the features' paths. `time`: `every` so long, while events come."
        ),
        .init("every", .duration, "With `trigger: time`, in stream time."),
        .init("features", .list(noun: "a feature", Feature.fields), "The features."),
        .init(
            "writeTo", .path,
            "The path that a `prediction-writer` writes this task's answers to: what comes there asks no model again, and is no feature."
        ),
    ]

    let name: String
    let model: String
    let selector: TwinSelector
    let condition: Expression?
    let trigger: Trigger
    /// In microseconds; above 0 with `trigger: time`.
    let every: Int64
    let features: [Feature]
    /// Segments; nil: nothing is written back.
    let writeTo: [String]?

    init(name: String, _ reader: SettingsReader) throws(TopologyFaults) {
        self.name = name
        model = try reader.text("model") ?? name
        guard Self.isName(model) else { throw reader.fault("model", Self.nameRule) }
        let twins = try reader.map("twins")
        selector = try TwinSelector(twins ?? SettingsReader(ConfigValue(.map([]), at: reader.mark), path: reader.path))
        condition = try twins?.expression("when")
        guard let trigger = Trigger(rawValue: try reader.text("trigger") ?? "event") else {
            throw reader.fault("trigger", Trigger.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.trigger = trigger
        let every = try reader.duration("every")
        switch (trigger, every) {
        case (.time, nil):
            throw reader.fault(at: reader.mark, "\(reader.path): `trigger: time` needs `every`, such as `every: 1s`")
        case (.time, .some(let every)) where every <= 0: throw reader.fault("every", "a time above 0")
        case (.event, .some), (.change, .some):
            throw reader.fault(
                at: reader.value("every")?.mark ?? reader.mark,
                "\(reader.path).every: it counts only with `trigger: time`; add that, or remove it")
        default: break
        }
        self.every = every ?? 0
        let writeTo = try reader.path("writeTo")?.paths.first
        self.writeTo = writeTo
        var features: [Feature] = []
        for entry in try reader.entries("features") {
            let feature = try Feature(entry)
            if features.contains(where: { $0.name.utf8.elementsEqual(feature.name.utf8) }) {
                throw entry.fault("name", "another name: a feature before has this one")
            }
            if let writeTo, Self.isBelow(writeTo, feature.path) {
                throw entry.fault("path", "a path outside `writeTo`: the model's own answers are no features of it")
            }
            features.append(feature)
        }
        guard !features.isEmpty, features.count <= 1024 else {
            throw reader.fault("features", "1 to 1024 features")
        }
        self.features = features
    }

    static func isBelow(_ path: [String], _ other: [String]) -> Bool {
        path.count <= other.count && zip(path, other).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }

    static let nameRule = "a name of letters, digits, `.`, `_` and `-` that begins with a letter or digit"

    /// Names of tasks and models stand in topics, headers and addresses.
    static func isName(_ text: String) -> Bool {
        func isWord(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard let first = text.utf8.first, isWord(first), text.utf8.count <= 200 else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    }
}
