import EgizPostgres
import EgizTwin
import HTTPTypes

/// Bodies of the registry, parts of which are kept as JSON.
enum RegistryBody {
    /// Levels of nesting that stored JSON may have.
    static let deepest = 32

    /// The body as an object that Postgres can hold.
    static func object(_ request: APIRequest) throws(Problem) -> JSONObject {
        let value: JSONValue
        do throws(JSONError) { value = try JSONParser().parse(request.body) } catch {
            throw .invalidBody([.init(pointer: "", detail: "The body must be a JSON object: \(error.message).")])
        }
        guard let object = value.object else {
            throw .invalidBody([.init(pointer: "", detail: "The body must be a JSON object.")])
        }
        if let fault = fault(of: value) { throw .invalidBody([.init(pointer: "", detail: fault)]) }
        return object
    }

    /// What keeps a value from being stored as jsonb; nil where nothing does.
    static func fault(of value: JSONValue, depth: Int = 1) -> String? {
        guard depth <= deepest else { return "It is nested deeper than \(deepest) levels." }
        switch value {
        case .string(let text): return text.utf8.contains(0) ? "It has a text with U+0000." : nil
        case .array(let elements):
            for element in elements { if let fault = fault(of: element, depth: depth + 1) { return fault } }
            return nil
        case .object(let object):
            for member in object {
                if member.key.utf8.contains(0) { return "It has a name with U+0000." }
                if let fault = fault(of: member.value, depth: depth + 1) { return fault }
            }
            return nil
        default: return nil
        }
    }
}

extension BodyReader {
    /// An object that is kept as it is; nil where it is absent or null.
    mutating func storedObject(_ name: String, largest: Int = 256 << 10) -> JSONObject? {
        guard let value = value(name) else { return nil }
        guard let object = value.object else {
            refuse(name, "\(name) must be an object.")
            return nil
        }
        if let fault = RegistryBody.fault(of: value) {
            refuse(name, "\(name): \(fault)")
        } else if value.text.utf8.count > largest {
            refuse(name, "\(name) has more than \(largest) bytes.")
        }
        return object
    }

    /// A list of objects that are kept as they are; empty where it is absent or null.
    mutating func storedObjects(_ name: String, most: Int) -> [JSONObject] {
        guard let value = value(name) else { return [] }
        guard case .array(let elements) = value, elements.count <= most else {
            refuse(name, "\(name) must be an array of at most \(most) objects.")
            return []
        }
        if let fault = RegistryBody.fault(of: value) { refuse(name, "\(name): \(fault)") }
        var objects: [JSONObject] = []
        for element in elements {
            if let object = element.object {
                objects.append(object)
            } else {
                refuse(name, "\(name) has something in it that is no object.")
            }
        }
        return objects
    }
}

extension Problem {
    /// The body is JSON as it should be, and what it says makes no sense.
    static func unprocessable(_ code: String, _ detail: String) -> Problem {
        Problem(
            code: code, status: .unprocessableContent, title: "What the body says cannot be put in force",
            detail: detail)
    }
}
