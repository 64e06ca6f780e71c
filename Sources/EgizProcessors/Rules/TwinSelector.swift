import EgizCore
import EgizTwin

/// Which twins a rule is for: all that its words name.
struct TwinSelector: Sendable {
    static let fields: [KindField] = [
        .init(
            "type", .string,
            "Only twins of this definition, or of a type that descends from it (`types`); `*` stands for any characters."
        ),
        .init("namespace", .string, "Only twins of this namespace; `*` stands for any characters."),
        .init("thing", .string, "Only the twin of this id; `*` stands for any characters."),
    ]

    /// The word that says which type descends from which.
    static let types = KindField(
        "types",
        .list(
            noun: "a type",
            [
                .init("type", .string, required: true, "A definition, such as `zonesun:filler:1.0`."),
                .init("parent", .string, required: true, "The definition that it descends from."),
            ]),
        "Which type of twins descends from which, beside the registry's table `twin_type`: a rule for a type is for its descendants too."
    )

    private let type: TextPattern?
    private let namespace: TextPattern?
    private let thing: TextPattern?

    init(_ reader: SettingsReader) throws(TopologyFaults) {
        type = try reader.text("type").map(TextPattern.init)
        namespace = try reader.text("namespace").map(TextPattern.init)
        thing = try reader.text("thing").map(TextPattern.init)
    }

    /// The id of the one thing that it names, without stars; nil: it is for several.
    var onlyThing: String? { thing.flatMap { $0.text.utf8.contains(UInt8(ascii: "*")) ? nil : $0.text } }

    /// How far the rule is from the thing; nil: it is not for it. A rule for one thing is nearest, then those for its type, its
    /// parents', and all.
    func distance(_ id: ThingID, lineage: [String]) -> Int? {
        if let namespace, !namespace.matches(id.namespace) { return nil }
        if let thing, !thing.matches(id.text) { return nil }
        var distance = lineage.count + 1
        if let type {
            guard let found = lineage.firstIndex(where: type.matches) else { return nil }
            distance = found + 1
        }
        return thing.map { $0.text.utf8.contains(UInt8(ascii: "*")) } == false ? 0 : distance
    }
}
