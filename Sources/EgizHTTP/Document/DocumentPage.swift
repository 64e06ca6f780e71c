import EgizTwin

/// The document as a page: no scripts, nothing from elsewhere.
struct DocumentPage {
    private static let methods = ["get", "post", "put", "patch", "delete"]

    private let document: JSONValue
    private var text = ""

    /// - Parameter json: the document; a broken one makes a page that says so.
    static func html(_ json: String) -> [UInt8] {
        guard let document = try? JSONParser().parse(Array(json.utf8)) else { return Array("no document".utf8) }
        var page = DocumentPage(document: document)
        page.write()
        return Array(page.text.utf8)
    }

    private init(document: JSONValue) { self.document = document }

    private mutating func write() {
        let info = document.object?["info"]?.object
        let title = info?["title"]?.string ?? "API"
        text += "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        text +=
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>\(Self.escape(title))</title>"
        text += "<style>\(DocumentStyle.css)</style></head><body><h1>\(Self.escape(title))</h1>"
        paragraphs(info?["description"]?.string)
        text += "<p>The same for programs: <a href=\"/openapi.json\">/openapi.json</a></p>"
        let groups = grouped()
        text += "<nav>"
        for (name, _) in groups { text += "<a href=\"#\(Self.escape(name))\">\(Self.escape(name))</a>" }
        text += "</nav>"
        for (name, operations) in groups {
            text += "<h2 id=\"\(Self.escape(name))\">\(Self.escape(name))</h2>"
            for operation in operations { write(operation.path, operation.method, operation.item, operation.operation) }
        }
        schemas()
        text += "</body></html>"
    }

    private typealias Operation = (path: String, method: String, item: JSONObject, operation: JSONObject)

    /// By the first tag of each, in the order in which they come.
    private func grouped() -> [(String, [Operation])] {
        var groups: [(String, [Operation])] = []
        for (path, item) in document.object?["paths"]?.object ?? JSONObject() {
            guard let item = item.object else { continue }
            for method in Self.methods {
                guard let operation = item[method]?.object else { continue }
                let tag = Self.array(operation["tags"]).first?.string ?? "other"
                let place = groups.firstIndex { $0.0 == tag } ?? groups.endIndex
                if place == groups.endIndex { groups.append((tag, [])) }
                groups[place].1.append((path, method, item, operation))
            }
        }
        return groups
    }

    private mutating func write(_ path: String, _ method: String, _ item: JSONObject, _ operation: JSONObject) {
        text +=
            "<details><summary><span class=\"method \(method)\">\(method.uppercased())</span> <code>\(Self.escape(path))</code> "
        text += Self.escape(operation["summary"]?.string ?? "") + "</summary>"
        paragraphs(operation["description"]?.string)
        let parameters = (Self.array(item["parameters"]) + Self.array(operation["parameters"])).compactMap(resolve)
        if !parameters.isEmpty {
            text += "<table><tr><th>parameter</th><th>in</th><th></th></tr>"
            for parameter in parameters {
                let isRequired = parameter["required"] == .bool(true) ? ", required" : ""
                text += "<tr><td><code>\(Self.escape(parameter["name"]?.string ?? ""))</code></td>"
                text += "<td>\(Self.escape(parameter["in"]?.string ?? ""))\(isRequired)</td>"
                text += "<td>\(Self.escape(parameter["description"]?.string ?? ""))</td></tr>"
            }
            text += "</table>"
        }
        if let body = operation["requestBody"].flatMap(resolve)?["content"]?.object {
            for (type, content) in body {
                text += "<p>body: <code>\(Self.escape(type))</code></p>"
                schema(content.object?["schema"])
            }
        }
        text += "<table><tr><th>status</th><th></th></tr>"
        for (status, response) in operation["responses"]?.object ?? JSONObject() {
            let description = resolve(response)?["description"]?.string ?? ""
            text += "<tr><td>\(Self.escape(status))</td><td>\(Self.escape(description))</td></tr>"
        }
        text += "</table></details>"
    }

    private mutating func schemas() {
        guard let schemas = document.object?["components"]?.object?["schemas"]?.object, !schemas.isEmpty else { return }
        text += "<h2 id=\"schemas\">schemas</h2>"
        for (name, schema) in schemas {
            text += "<details id=\"schema-\(Self.escape(name))\"><summary><code>\(Self.escape(name))</code> "
            text += Self.escape(schema.object?["description"]?.string ?? "") + "</summary>"
            self.schema(schema)
            text += "</details>"
        }
    }

    private mutating func schema(_ schema: JSONValue?) {
        guard let schema else { return }
        if let name = schema.object?["$ref"]?.string?.split(separator: "/").last {
            text += "<p><a href=\"#schema-\(Self.escape(String(name)))\">\(Self.escape(String(name)))</a></p>"
        } else {
            text += "<pre>\(Self.escape(schema.text))</pre>"
        }
    }

    private mutating func paragraphs(_ description: String?) {
        for paragraph in (description ?? "").split(separator: "\n\n") {
            text += "<p>\(Self.escape(String(paragraph)))</p>"
        }
    }

    /// What a `$ref` into the document stands for, or the object itself.
    private func resolve(_ value: JSONValue) -> JSONObject? {
        guard let object = value.object, let reference = object["$ref"]?.string else { return value.object }
        var found: JSONValue? = document
        for name in reference.split(separator: "/").dropFirst() { found = found?.object?[String(name)] }
        return found?.object
    }

    private static func array(_ value: JSONValue?) -> [JSONValue] {
        if case .array(let elements) = value { return elements }
        return []
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
