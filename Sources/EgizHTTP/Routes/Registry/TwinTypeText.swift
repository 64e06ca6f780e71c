import EgizPostgres
import EgizTwin

/// Types of twins as JSON.
enum TwinTypeText {
    static func json(_ type: StoredTwinType) -> [UInt8] {
        var out = JSONOutput(capacity: 1024)
        write(type, into: &out)
        return out.bytes
    }

    static func write(_ type: StoredTwinType, into out: inout JSONOutput) {
        out.beginObject()
        out.member("type", type.name)
        out.member("parent", type.parent)
        out.member("project", type.project?.text)
        out.member("version", type.version)
        members(type.definition, into: &out)
        out.member("createdAt", type.createdAt.text)
        out.member("updatedAt", type.updatedAt.text)
        out.endObject()
    }

    static func write(_ version: TwinTypeQueries.Version, of type: String, into out: inout JSONOutput) {
        out.beginObject()
        out.member("type", type)
        out.member("parent", version.parent)
        out.member("version", version.version)
        members(version.definition, into: &out)
        out.member("writtenAt", version.writtenAt.text)
        out.endObject()
    }

    private static func members(_ definition: JSONObject, into out: inout JSONOutput) {
        for name in TwinTypeBody.members where name != "parent" {
            guard let value = definition[name] else { continue }
            out.key(name)
            out.raw(value.text.utf8)
        }
    }

    /// What is in force for twins of the type: its own declarations and those that it inherits, the nearest of each name.
    static func inForce(_ lineage: [StoredTwinType]) -> [UInt8] {
        var out = JSONOutput(capacity: 2048)
        out.beginObject()
        out.member("type", lineage.first?.name)
        out.key("lineage")
        out.beginArray()
        for type in lineage { out.string(type.name) }
        out.endArray()
        out.key("schemas")
        out.beginArray()
        for type in lineage {
            guard let schema = type.definition["schema"] else { continue }
            out.beginObject()
            out.member("type", type.name)
            out.key("schema")
            out.raw(schema.text.utf8)
            out.endObject()
        }
        out.endArray()
        out.member("policy", lineage.lazy.compactMap { $0.definition["policy"]?.string }.first ?? "accept")
        out.key("units")
        out.raw(JSONValue.object(units(lineage)).text.utf8)
        list("bindings", "binding", lineage, into: &out) {
            "\($0["objectName"]?.text ?? "") \($0["target"]?.text ?? "")"
        }
        list("alertRules", "rule", lineage, into: &out) { $0["name"]?.text ?? "" }
        out.key("mlTasks")
        out.beginArray()
        var seen: Set<String> = []
        for task in lineage.flatMap({ $0.texts("mlTasks") }) where seen.insert(task).inserted { out.string(task) }
        out.endArray()
        out.endObject()
        return out.bytes
    }

    private static func units(_ lineage: [StoredTwinType]) -> JSONObject {
        var units = JSONObject()
        for (path, unit) in lineage.reversed().compactMap({ $0.definition["units"]?.object }).joined() {
            units[path] = unit
        }
        return units
    }

    private static func list(
        _ name: String, _ item: String, _ lineage: [StoredTwinType], into out: inout JSONOutput,
        key: (JSONObject) -> String
    ) {
        var seen: Set<String> = []
        out.key(name)
        out.beginArray()
        for type in lineage {
            for object in type.objects(name) where seen.insert(key(object)).inserted {
                out.beginObject()
                out.member("type", type.name)
                out.key(item)
                out.raw(JSONValue.object(object).text.utf8)
                out.endObject()
            }
        }
        out.endArray()
    }
}
