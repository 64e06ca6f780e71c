import EgizCore
import EgizTwin

/// Parts of the records that rules emit.
enum RuleRecords {
    static func cause(_ position: InputPosition) -> JSONValue {
        var object = JSONObject()
        object["topic"] = .string(position.topic)
        object["partition"] = .int(Int64(position.partition))
        object["offset"] = .int(position.offset)
        return .object(object)
    }
}
