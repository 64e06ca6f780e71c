import EgizCore
import EgizTwin

/// Which type of twins descends from which.
struct TypeTree: Sendable {
    /// More generations are a circle or a mistake.
    private static let mostGenerations = 32

    private var parents: [String: String] = [:]
    /// Thing to type, for those that tell no definition.
    private var things: [ThingID: String] = [:]

    init() {}

    /// Of a processor's word `types`. Circles are faults.
    init(_ entries: [SettingsReader]) throws(TopologyFaults) {
        for entry in entries {
            guard let type = try entry.text("type"), let parent = try entry.text("parent") else { continue }
            guard parents[type] == nil else {
                throw entry.fault(
                    at: entry.mark, "\(entry.path): the type `\(type)` has a parent already; a type has one")
            }
            parents[type] = parent
            if lineage(of: type).count >= Self.mostGenerations || lineage(of: parent).contains(type) {
                throw entry.fault(at: entry.mark, "\(entry.path): `\(type)` descends from itself")
            }
        }
    }

    /// The registry's types beside those of the file, which win.
    func merging(_ registry: RuleRegistry) -> TypeTree {
        var tree = self
        tree.parents.merge(registry.parents) { own, _ in own }
        tree.things = registry.thingTypes
        return tree
    }

    /// The type of a thing, its parent, and so on: what the thing says of itself, else what the registry says of it.
    func lineage(of thing: ThingID, _ twin: Twin?) -> [String] {
        if let definition = twin?.definition { return lineage(of: definition) }
        return things.isEmpty ? [] : lineage(of: things[thing])
    }

    /// The type, its parent, and so on; circles end after some generations.
    func lineage(of type: String?) -> [String] {
        guard let type else { return [] }
        var lineage = [type]
        while lineage.count < Self.mostGenerations, let parent = parents[lineage[lineage.count - 1]],
            !lineage.contains(parent)
        {
            lineage.append(parent)
        }
        return lineage
    }
}
