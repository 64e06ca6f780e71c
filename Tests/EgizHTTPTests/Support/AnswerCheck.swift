import EgizTwin
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

/// Every answer that a test gets through `APIServer.send` is compared with `Schemas/openapi.yaml`: its status, its content type, every
/// member of its body, and the headers that say what to do next.
enum AnswerCheck {
    private static let contract = try? OpenAPIContract()
    private static let headers: [HTTPField.Name] = [.eTag, .location, .retryAfter]

    static func check(_ method: HTTPRequest.Method, _ uri: String, _ response: TestResponse) {
        let verb = method == .head ? "get" : method.rawValue.lowercased()
        let path = String(uri.prefix { $0 != "?" })
        guard let contract else {
            Issue.record("Schemas/openapi.yaml cannot be read")
            return
        }
        // What is not there at all is answered before any operation.
        guard let template = contract.template(of: path), contract.operation(verb, template) != nil else { return }
        let status = Int(response.status.code)
        // A fault of ours is not part of the contract.
        guard status != 500 else { return }
        var faults = contract.faults(
            verb, template, status: status, type: response.headers[.contentType], body: Array(buffer: response.body))
        let documented = contract.headers(verb, template, status: status)
        for name in headers where response.headers[name] != nil && !documented.contains(name.canonicalName) {
            faults.append("\(verb) \(template) \(status) has the header \(name), which is not documented")
        }
        // What says where it is now, and which version, is not left out where it is promised.
        for name in [HTTPField.Name.eTag, .location]
        where (200..<300).contains(status) && documented.contains(name.canonicalName) && response.headers[name] == nil {
            faults.append("\(verb) \(template) \(status) lacks the header \(name), which is documented")
        }
        #expect(faults == [], "\(method) \(uri)")
    }
}

extension OpenAPIContract {
    /// The path of the document that a request's path is one of; of several the one with the fewest captures.
    func template(of path: String) -> String? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        let fitting = (document["paths"]?.object ?? .init()).map(\.key).filter { template in
            let parts = template.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == segments.count
                && zip(parts, segments).allSatisfy { $0 == $1 || $0.hasPrefix("{") && !$1.isEmpty }
        }
        return fitting.min { a, b in a.count { $0 == "{" } < b.count { $0 == "{" } }
    }

    /// The documented headers of an answer, in small letters.
    func headers(_ method: String, _ path: String, status: Int) -> Set<String> {
        let response = operation(method, path)?.value["responses"]?.object?["\(status)"].flatMap(resolve)
        return Set((response?["headers"]?.object ?? .init()).map { $0.key.lowercased() })
    }
}
