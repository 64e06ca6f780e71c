/// The shape of things: checks values from outside, and drops the members that things and features do not have.
enum ThingShape {
    struct Fault: Error {
        var message: String
    }

    /// A value for a resource; `allowsNull`: also null for a policy id or a definition, which only merges may bring.
    static func check(
        _ value: JSONValue, for resource: ThingResource, allowsNull: Bool
    ) throws(Fault) -> JSONValue {
        switch resource {
        case .thing:
            guard case .object(let object) = value else { throw Fault(message: "a thing is an object") }
            return .object(try thing(object))
        case .policyID: return try policyID(value, allowsNull: allowsNull)
        case .definition: return try definition(value, allowsNull: allowsNull)
        case .attributes: return try objectOrNull(value, "attributes")
        case .features: return try features(value)
        case .feature: return try feature(value)
        case .featureDefinition: return try featureDefinition(value)
        case .properties: return try objectOrNull(value, "properties")
        case .attribute, .property: return value
        }
    }

    /// Keeps what a thing has; every member null allows it for. Times and `_metadata` stay as they are.
    static func thing(_ object: JSONObject) throws(Fault) -> JSONObject {
        var result = JSONObject(capacity: object.count)
        for member in object.members {
            switch member.key {
            case "policyId": result.append(member.key, try policyID(member.value, allowsNull: true))
            case "definition": result.append(member.key, try definition(member.value, allowsNull: true))
            case "attributes": result.append(member.key, try objectOrNull(member.value, "attributes"))
            case "features": result.append(member.key, try features(member.value))
            case "thingId", "_created", "_modified", "_metadata": result.append(member.key, member.value)
            default: break
            }
        }
        return result
    }

    static func policyID(_ value: JSONValue, allowsNull: Bool) throws(Fault) -> JSONValue {
        if allowsNull, value.isNull { return value }
        guard let text = value.string, ThingID.isValid(text) else {
            throw Fault(message: "policyId is a string namespace:name")
        }
        return value
    }

    static func definition(_ value: JSONValue, allowsNull: Bool) throws(Fault) -> JSONValue {
        if allowsNull, value.isNull { return value }
        guard let text = value.string, DefinitionID.isValid(text) else {
            throw Fault(message: "a definition is a string namespace:name:version or an http or https URL")
        }
        return value
    }

    static func objectOrNull(_ value: JSONValue, _ name: String) throws(Fault) -> JSONValue {
        guard value.isObject || value.isNull else { throw Fault(message: "\(name) is an object or null") }
        return value
    }

    static func features(_ value: JSONValue) throws(Fault) -> JSONValue {
        guard case .object(var object) = value else { return try objectOrNull(value, "features") }
        for index in object.members.indices {
            object.members[index].value = try feature(object.members[index].value)
        }
        return .object(object)
    }

    static func feature(_ value: JSONValue) throws(Fault) -> JSONValue {
        guard case .object(let object) = value else { return try objectOrNull(value, "a feature") }
        var result = JSONObject(capacity: object.count)
        for member in object.members {
            switch member.key {
            case "definition": result.append(member.key, try featureDefinition(member.value))
            case "properties", "desiredProperties":
                result.append(member.key, try objectOrNull(member.value, member.key))
            default: break
            }
        }
        return .object(result)
    }

    static func featureDefinition(_ value: JSONValue) throws(Fault) -> JSONValue {
        if value.isNull { return value }
        guard case .array(let identifiers) = value, !identifiers.isEmpty,
            identifiers.allSatisfy({ $0.string.map(DefinitionID.isValid) ?? false })
        else { throw Fault(message: "a feature's definition is a non-empty array of definition identifiers, or null") }
        return value
    }
}
