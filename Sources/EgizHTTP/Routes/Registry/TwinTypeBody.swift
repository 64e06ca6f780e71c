import EgizPostgres
import EgizProcessors
import EgizTwin
import HTTPTypes

/// The body of a type: what is declared on it, checked by the code that puts it in force.
struct TwinTypeBody: Sendable {
    /// What becomes of an event that makes features what the schema refuses.
    enum Policy: String, CaseIterable { case accept, flag, reject }

    static let members = [
        "description", "parent", "schema", "policy", "units", "bindings", "alertRules", "mlTasks",
    ]

    var parent: String?
    /// As it is stored; all members but the parent.
    var definition: JSONObject
    var bindings: [JSONObject]

    init(_ request: APIRequest, type: String) throws(Problem) {
        _ = try RegistryBody.object(request)
        var faults: [Problem.Fault] = []
        let (parent, definition, bindings) = try request.body(known: Self.members) { body in
            Self.read(&body, type, &faults)
        }
        // Well-formed, but not what can be put in force.
        if let first = faults.first {
            var problem = Problem.unprocessable("invalid-type", first.detail)
            problem.faults = faults
            throw problem
        }
        (self.parent, self.definition, self.bindings) = (parent, definition, bindings)
    }

    private static func read(_ body: inout BodyReader, _ type: String, _ faults: inout [Problem.Fault]) -> (
        String?, JSONObject, [JSONObject]
    ) {
        var definition = JSONObject()
        if let text = body.text("description", length: 0...4096) { definition["description"] = .string(text) }
        let parent = body.text("parent", length: 1...256)
        if let schema = body.value("schema") {
            definition["schema"] = schema
            // JSON Schema has `true` and `false` as well: a type without a schema says the one, and nobody means the other.
            if schema.object == nil {
                body.refuse("schema", "schema must be an object, a JSON Schema of the features.")
            }
            do throws(ValueSchema.Fault) { _ = try ValueSchema(schema) } catch {
                faults.append(.init(pointer: "/schema\(error.place)", detail: "\(error.message)."))
            }
        }
        if let policy = body.word("policy", Policy.self) { definition["policy"] = .string(policy.rawValue) }
        if let units = body.storedObject("units", largest: 64 << 10) {
            for (path, unit) in units
            where unit.string == nil || (try? JSONPointer(parsing: path)) == nil || path.isEmpty {
                faults.append(
                    .init(
                        pointer: "/units" + JSONPointer(segments: [path]).text,
                        detail: "units has JSON pointers such as /features/filler/properties/level as names, and texts."
                    ))
            }
            definition["units"] = .object(units)
        }
        let bindings = body.storedObjects("bindings", most: 1000)
        for (index, binding) in bindings.enumerated() {
            var words = binding
            for word in ["type", "thing"] where words.remove(word) != nil {
                faults.append(.init(pointer: "/bindings/\(index)/\(word)", detail: "The binding is for this type."))
            }
            if let fault = RegistryCheck.binding(.object(words), type: type, thing: nil) {
                faults.append(.init(pointer: "/bindings/\(index)", detail: "\(fault)."))
            }
        }
        if !bindings.isEmpty { definition["bindings"] = .array(bindings.map { .object($0) }) }
        let rules = body.storedObjects("alertRules", most: 1000)
        var names: Set<String> = []
        for (index, rule) in rules.enumerated() {
            for word in ["type", "thing"] where rule[word] != nil {
                faults.append(.init(pointer: "/alertRules/\(index)/\(word)", detail: "The rule is for this type."))
            }
            if let name = rule["name"]?.string, !names.insert(name).inserted {
                faults.append(.init(pointer: "/alertRules/\(index)/name", detail: "A rule before has this name."))
            }
            if let fault = RegistryCheck.alertRule(.object(rule), type: type) {
                faults.append(.init(pointer: "/alertRules/\(index)", detail: "\(fault)."))
            }
        }
        if !rules.isEmpty { definition["alertRules"] = .array(rules.map { .object($0) }) }
        let tasks = body.texts("mlTasks", count: 0...100, length: 1...200) ?? []
        for (index, task) in tasks.enumerated() where !RegistryCheck.isName(task) {
            faults.append(.init(pointer: "/mlTasks/\(index)", detail: "Expected \(RegistryCheck.nameRule)."))
        }
        if !tasks.isEmpty { definition["mlTasks"] = .array(tasks.map { .string($0) }) }
        return (parent, definition, bindings)
    }

    /// Whether a text may name a type: three segments as of a Ditto definition, none of which could be a pattern.
    static func isName(_ text: String) -> Bool {
        let segments = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return text.utf8.count <= 256 && segments.count == 3
            && segments.allSatisfy { segment in
                !segment.isEmpty
                    && segment.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                            UInt8(ascii: "-"):
                            true
                        default: false
                        }
                    }
            }
    }
}
