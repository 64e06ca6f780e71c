import EgizTwin
import Foundation
import Yams

/// `Schemas/openapi.yaml`, and whether answers are as it says.
struct OpenAPIContract {
    /// One operation of the document.
    struct Operation {
        var path: String
        var method: String
        var item: JSONObject
        var value: JSONObject
    }

    static let file = URL(filePath: #filePath).appending(path: "../../../../Schemas/openapi.yaml").standardized
    static let methods = ["get", "post", "put", "patch", "delete"]

    let document: JSONValue

    init() throws {
        let yaml = try String(contentsOf: Self.file, encoding: .utf8)
        guard let node = try Yams.compose(yaml: yaml) else { throw JSONError("\(Self.file.path) is empty") }
        document = Self.json(node)
    }

    /// YAML as JSON, with its members in their order.
    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            var object = JSONObject()
            for (key, value) in mapping { object[key.string ?? ""] = json(value) }
            return .object(object)
        case .sequence(let sequence): return .array(sequence.map(json))
        case .scalar(let scalar):
            // Quoted ones are texts, whatever they look like.
            if scalar.style != .plain { return .string(scalar.string) }
            if let flag = node.bool { return .bool(flag) }
            if let number = node.int { return .int(Int64(number)) }
            if let number = node.float { return .double(number) }
            return node.null == nil ? .string(scalar.string) : .null
        case .alias: return .null
        }
    }

    var operations: [Operation] {
        (document["paths"]?.object ?? JSONObject()).flatMap { path, item -> [Operation] in
            let item = item.object ?? JSONObject()
            return Self.methods.compactMap { method in
                item[method]?.object.map { Operation(path: path, method: method, item: item, value: $0) }
            }
        }
    }

    func operation(_ method: String, _ path: String) -> Operation? {
        operations.first { $0.path == path && $0.method == method.lowercased() }
    }

    func parameters(_ operation: Operation) -> [JSONObject] {
        ((operation.item["parameters"]?.array ?? []) + (operation.value["parameters"]?.array ?? [])).compactMap(resolve)
    }

    /// What a `$ref` stands for; nil where nothing is there.
    func resolve(_ value: JSONValue) -> JSONObject? {
        guard let object = value.object, let reference = object["$ref"]?.string else { return value.object }
        var found: JSONValue? = document
        for name in reference.split(separator: "/").dropFirst() { found = found?.object?[String(name)] }
        return found.flatMap(resolve)
    }

    // MARK: Answers

    /// What of an answer the document does not say, one sentence each.
    func faults(_ method: String, _ path: String, status: Int, type: String?, body: [UInt8]) -> [String] {
        guard let operation = operation(method, path) else { return ["\(method) \(path) is not documented"] }
        guard let response = operation.value["responses"]?.object?["\(status)"].flatMap(resolve) else {
            return ["\(method) \(path) answers \(status), which is not documented"]
        }
        guard !body.isEmpty else { return [] }
        let type = type?.split(separator: ";").first.map(String.init) ?? ""
        guard let content = response["content"]?.object?[type] else {
            return ["\(method) \(path) \(status) has the content type \(type), which is not documented"]
        }
        guard type.hasSuffix("json"), let schema = content.object?["schema"] else { return [] }
        // A file, whatever is in it.
        if resolve(schema)?["format"] == .string("binary") { return [] }
        guard let value = try? JSONParser().parse(body) else { return ["\(method) \(path) \(status) is no JSON"] }
        return faults(value, schema, "").map { "\(method) \(path) \(status)\($0)" }
    }
}
