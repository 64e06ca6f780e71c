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

    /// The member `cause`, as above.
    static func cause(_ position: InputPosition, into text: inout JSONObjectText) {
        text.open("cause")
        text.member("topic", position.topic)
        text.member("partition", Int64(position.partition))
        text.member("offset", position.offset)
        text.close()
    }
}
