import EgizCore
import Foundation

/// Checks the objects that processors name against the nodes of the 3D models that they name.
struct ModelCheck {
    let registry: ProcessorRegistry
    /// Where the topology's file lies.
    let folder: String
    let faults: FaultList

    func check(_ topology: Topology) {
        for processor in topology.processors {
            guard let spec = registry[processor.kind]?.spec,
                let field = spec.fields.first(where: { $0.kind == .model }),
                let value = processor.settings[field.name], case .string(let name) = value.content,
                let nodes = nodes(name, at: value.mark, "`processors.\(processor.name).\(field.name)`")
            else { continue }
            check(processor.settings, spec.fields, nodes, name, "processors.\(processor.name)")
        }
    }

    private func nodes(_ name: String, at mark: SourceMark, _ place: String) -> [String]? {
        let path = name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
        do throws(ModelFile.Fault) {
            return try ModelFile.nodeNames(path: path)
        } catch {
            faults.error(at: mark, "\(place): \(name): \(error.message)")
            return nil
        }
    }

    private func check(
        _ settings: [String: ConfigValue], _ fields: [KindField], _ nodes: [String], _ model: String, _ path: String
    ) {
        for field in fields {
            guard let value = settings[field.name] else { continue }
            let place = "\(path).\(field.name)"
            switch (field.kind, value.content) {
            case (.node, .string(let name)):
                guard !nodes.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else { continue }
                faults.error(
                    at: value.mark,
                    "`\(place)`: \(model) has no node \"\(name.shortened)\", expected \(Word.Shape.list(nodes))\(ValueCheck.hint(for: name, among: nodes))"
                )
            case (.list(_, let inner), .list(let items)):
                for (index, item) in items.enumerated() {
                    check(Self.members(item), inner, nodes, model, "\(place)[\(index)]")
                }
            case (.map(let inner), .map): check(Self.members(value), inner, nodes, model, place)
            default: continue
            }
        }
    }

    private static func members(_ value: ConfigValue) -> [String: ConfigValue] {
        guard case .map(let members) = value.content else { return [:] }
        return Dictionary(members.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
}
