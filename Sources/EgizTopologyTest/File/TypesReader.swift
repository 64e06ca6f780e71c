import EgizCore
import EgizProcessors
import EgizTopologyFile
import EgizTwin

/// Reads what the registry says of types in a test.
struct TypesReader {
    let faults: FaultList
    let path: String

    func read(_ body: ConfigValue) -> GivenTypes? {
        guard case .map(let members) = body.content else {
            faults.error(at: body.mark, "`\(path)`: found \(body.found), expected a map of types")
            return nil
        }
        var types = GivenTypes()
        for member in members { read(member.value, of: member.key, into: &types) }
        return types
    }

    private func read(_ value: ConfigValue, of type: String, into types: inout GivenTypes) {
        let path = "\(path).\(type)"
        guard let reader = MapReader(value, at: value.mark, path, TestVocabulary.type, faults) else { return }
        if let parent = reader.string("parent") { types.parents[type] = parent }
        let policy = reader.string("policy")
        let schema = reader.raw("schema")
        if let schema {
            do throws(ValueSchema.Fault) { _ = try ValueSchema(schema.json) } catch {
                faults.error(at: schema.mark, "`\(path).schema`: \(error.place): \(error.message)")
            }
        }
        if schema != nil || policy != nil {
            types.schemas.append(.init(type: type, schema: schema?.json, policy: policy))
        }
        for rule in list(reader.raw("alertRules"), "\(path).alertRules") {
            if let message = RegistryCheck.alertRule(rule.json, type: type) {
                faults.error(at: rule.mark, "`\(path).alertRules`: \(message)")
            }
            types.alertRules.append(.init(type: type, settings: rule))
        }
        for item in list(reader.raw("things"), "\(path).things") {
            guard case .string(let thing) = item.content, (try? ThingID(validating: thing)) != nil else {
                faults.error(
                    at: item.mark, "`\(path).things`: found \(item.found), expected a thing id, namespace:name")
                continue
            }
            types.things[thing] = type
        }
    }

    private func list(_ value: ConfigValue?, _ path: String) -> [ConfigValue] {
        guard let value else { return [] }
        guard case .list(let items) = value.content else {
            faults.error(at: value.mark, "`\(path)`: found \(value.found), expected a list")
            return []
        }
        return items
    }
}
