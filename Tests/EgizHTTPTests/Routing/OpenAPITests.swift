import EgizPostgres
import EgizTwin
import Foundation
import HTTPTypes
import Testing

@testable import EgizHTTP

/// The router and `Schemas/openapi.yaml` say the same.
@Suite struct OpenAPITests {
    private func routes() -> [APIRoute] {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        return APIServer(configuration: APIConfiguration(port: 0), pool: pool, lag: nil, logger: TestAPI.quiet).routes
            .routes
    }

    private func method(_ route: APIRoute) -> String { route.writing?.method.rawValue.lowercased() ?? "get" }

    @Test func eachHasEveryPathAndMethodOfTheOther() throws {
        let documented = Set(try OpenAPIContract().operations.map { "\($0.method) \($0.path)" })
        let routed = Set(routes().map { "\(method($0)) \($0.path)" })
        #expect(documented.subtracting(routed).sorted() == [], "documented, and nothing answers there")
        #expect(routed.subtracting(documented).sorted() == [], "answered, and not documented")
    }

    @Test func eachHasEveryParameterOfTheOther() throws {
        let contract = try OpenAPIContract()
        for route in routes() {
            guard let operation = contract.operation(method(route), route.path) else { continue }
            let parameters = contract.parameters(operation)
            func names(_ place: String) -> Set<String> {
                Set(parameters.filter { $0["in"] == .string(place) }.compactMap { $0["name"]?.string })
            }
            let captures = Set(route.path.matches(of: #/\{([A-Za-z]+)\}/#).map { String($0.1) })
            #expect(names("path") == captures, "\(route.path)")
            #expect(names("query") == Set(route.parameters), "\(method(route)) \(route.path)")
            for parameter in parameters where parameter["in"] == .string("path") {
                #expect(parameter["required"] == .bool(true))
            }
        }
    }

    /// What follows from a route's access and body must be documented, and what cannot come must not be.
    @Test func eachHasEveryStatusOfTheOther() throws {
        let contract = try OpenAPIContract()
        for route in routes() {
            guard let operation = contract.operation(method(route), route.path) else { continue }
            let statuses = Set((operation.value["responses"]?.object ?? JSONObject()).map(\.key))
            let (must, mustNot) = Self.statuses(route)
            #expect(must.subtracting(statuses).sorted() == [], "\(method(route)) \(route.path) lacks statuses")
            #expect(statuses.intersection(mustNot).sorted() == [], "\(method(route)) \(route.path) cannot answer these")
            #expect(statuses.contains { $0.hasPrefix("2") }, "\(method(route)) \(route.path) has no success")
            // Outside loopback the metrics are the admins'.
            if route.path == "/metrics" { continue }
            let isOpen = operation.value["security"]?.array?.isEmpty == true
            #expect(isOpen == (route.access == .everyone), "\(method(route)) \(route.path): security")
        }
    }

    private static let probes = ["/healthz", "/readyz", "/metrics"]

    private static func statuses(_ route: APIRoute) -> (must: Set<String>, mustNot: Set<String>) {
        // Probes take whatever a load balancer adds; elsewhere unknown parameters are refused.
        var must: Set<String> = probes.contains(route.path) ? [] : ["400"]
        var mustNot: Set<String> = []
        if route.access != .everyone {
            must.insert("401")
        } else if route.path != "/metrics" {
            mustNot.insert("403")
        }
        switch route.access {
        case .thing(let role), .project(let role):
            must.insert("404")
            if role > .viewer { must.insert("403") }
        case .admin, .account: must.insert("403")
        // Whose it is, the handler finds out.
        case .filtered(let role):
            if route.path.contains("{") { must.insert("404") }
            if role > .viewer { must.insert("403") }
        case .everyone, .signedIn: break
        }
        // A key that is used for something else, or is under way. What changes nothing keeps none.
        if route.writing?.method == .post, route.writing?.takesKeys == true,
            !["/api/v1/topologies/validate", "/api/v1/topologies/diff"].contains(route.path)
        {
            must.formUnion(["409", "422"])
        }
        if route.path.hasPrefix("/api/v1/") { must.insert("503") }
        if let writing = route.writing {
            if writing.accepts.isEmpty { mustNot.insert("415") } else { must.formUnion(["413", "415"]) }
            // A page of another origin is refused.
            must.insert("403")
            mustNot.remove("403")
        } else {
            mustNot.formUnion(["413", "415", "412", "428"])
        }
        return (must, mustNot)
    }

    @Test func eachHasEveryBodyOfTheOther() throws {
        let contract = try OpenAPIContract()
        for route in routes() {
            guard let operation = contract.operation(method(route), route.path) else { continue }
            let body = operation.value["requestBody"].flatMap(contract.resolve)
            let types = (body?["content"]?.object ?? JSONObject()).map(\.key)
            #expect(Set(types) == Set(route.writing?.accepts ?? []), "\(method(route)) \(route.path)")
        }
    }

    /// What keeps nothing, because it is secret, must not offer a key; and where a list goes on, its client says how far.
    @Test func keysAreOfferedWhereTheyAreTakenAndPagesHaveANext() throws {
        let contract = try OpenAPIContract()
        for route in routes() {
            guard let operation = contract.operation(method(route), route.path) else { continue }
            let names = Set(contract.parameters(operation).compactMap { $0["name"]?.string })
            if names.contains("Idempotency-Key") {
                #expect(route.writing?.method == .post && route.writing?.takesKeys == true, "\(route.path)")
            }
            #expect(!names.contains("cursor") || names.contains("limit"), "\(method(route)) \(route.path)")
        }
    }

    /// What lists something comes in pages. Aggregates are of one page of intervals at most, and a walk of relations says `complete`.
    @Test func everyListComesInPages() throws {
        let contract = try OpenAPIContract()
        let whole = ["/api/v1/aggregates", "/api/v1/twins/{thingId}/relations"]
        var lists = 0
        for operation in contract.operations where operation.method == "get" && !whole.contains(operation.path) {
            let answer = operation.value["responses"]?["200"].flatMap(contract.resolve)
            guard let schema = answer?["content"]?["application/json"]?["schema"].flatMap(contract.resolve),
                contract.members(schema).known["items"] != nil
            else { continue }
            lists += 1
            let names = Set(contract.parameters(operation).compactMap { $0["name"]?.string })
            #expect(names.isSuperset(of: ["limit", "cursor"]), "\(operation.path)")
            #expect(contract.members(schema).known["next"] != nil, "\(operation.path) has no next")
        }
        #expect(lists > 20)
    }

    /// A change names what it changes, a POST may be sent twice; or it is said why not.
    @Test func everyChangeHasItsPreconditionAndEveryPostTakesAKey() throws {
        let contract = try OpenAPIContract()
        // Something new; an action on many; what is only there or not.
        let without = [
            "put /api/v1/twins/{thingId}/relations/{kind}/{otherId}",
            "delete /api/v1/twins/{thingId}/relations/{kind}/{otherId}",
            "delete /api/v1/ml/tasks/{task}/bindings/{bindingId}", "delete /api/v1/users/me/api-keys/{keyId}",
            "delete /api/v1/projects/{project}/namespaces/{namespace}",
            "delete /api/v1/projects/{project}/things/{thingId}",
            "delete /api/v1/projects/{project}/invitations/{invitationId}",
        ]
        // What makes something new, or changes nothing.
        let makes = [
            "/api/v1/twins", "/api/v1/models", "/api/v1/projects", "/api/v1/users", "/api/v1/users/me/api-keys",
            "/api/v1/twins/{thingId}/bindings", "/api/v1/ml/tasks/{task}/bindings", "/api/v1/invitations/accept",
            "/api/v1/projects/{project}/namespaces", "/api/v1/projects/{project}/things",
            "/api/v1/projects/{project}/invitations", "/api/v1/dead-letters/redrive", "/api/v1/topologies/validate",
            "/api/v1/topologies/diff",
        ]
        let secret = routes().filter { $0.writing?.method == .post && $0.writing?.takesKeys == false }.map(\.path)
        for operation in contract.operations where operation.method != "get" {
            let place = "\(operation.method) \(operation.path)"
            let headers = Set(contract.parameters(operation).compactMap { $0["name"]?.string })
            let isNew = operation.method == "post" && (makes + secret).contains(operation.path)
            let isExempt = isNew || without.contains(place)
            #expect(headers.contains("If-Match") != isExempt, "\(place): If-Match")
            if operation.method == "post" {
                #expect(headers.contains("Idempotency-Key") != secret.contains(operation.path), "\(place): key")
            }
        }
    }

    @Test func whatIsSaidOfVersionsGoesTogether() throws {
        let contract = try OpenAPIContract()
        for operation in contract.operations {
            let place = "\(operation.method) \(operation.path)"
            let headers = Set(
                contract.parameters(operation).filter { $0["in"] == .string("header") }.compactMap {
                    $0["name"]?.string
                })
            let statuses = Set((operation.value["responses"]?.object ?? JSONObject()).map(\.key))
            let takesTag = headers.contains("If-Match")
            #expect(takesTag == statuses.contains("412") && takesTag == statuses.contains("428"), "\(place): If-Match")
            #expect(headers.contains("If-None-Match") == statuses.contains("304"), "\(place): If-None-Match")
            #expect(!headers.contains("Idempotency-Key") || operation.method == "post", "\(place): Idempotency-Key")
        }
    }

    @Test func everyReferenceLeadsSomewhereAndEveryOperationHasANameOfItsOwn() throws {
        let contract = try OpenAPIContract()
        func check(_ value: JSONValue, _ place: String) {
            if let object = value.object {
                if let reference = object["$ref"]?.string {
                    #expect(contract.resolve(value) != nil, "\(place): \(reference)")
                    #expect(object.count == 1, "\(place): nothing beside a $ref counts in OpenAPI 3.0")
                }
                for (name, member) in object { check(member, "\(place)/\(name)") }
            }
            for (index, element) in (value.array ?? []).enumerated() { check(element, "\(place)/\(index)") }
        }
        check(contract.document, "")
        let tags = Set((contract.document["tags"]?.array ?? []).compactMap { $0["name"]?.string })
        var names: Set<String> = []
        for operation in contract.operations {
            let place = "\(operation.method) \(operation.path)"
            let isNew = names.insert(operation.value["operationId"]?.string ?? "").inserted
            #expect(isNew, "\(place): operationId")
            #expect(operation.value["summary"]?.string?.isEmpty == false, "\(place): summary")
            let used = (operation.value["tags"]?.array ?? []).compactMap(\.string)
            #expect(!used.isEmpty && tags.isSuperset(of: used), "\(place): tags")
        }
        #expect(contract.document["openapi"] == .string("3.0.3"))
    }

    /// What is not said cannot be compared: an object whose members are not named says that it may have any.
    @Test func everySchemaSaysWhatIsInIt() throws {
        let contract = try OpenAPIContract()
        func check(_ value: JSONValue, _ place: String) {
            if let object = value.object, case .string(let type)? = object["type"] {
                if type == "array" { #expect(object["items"] != nil, "\(place) has no items") }
                if type == "object" {
                    let said = ["properties", "additionalProperties", "allOf"].contains { object[$0] != nil }
                    #expect(said, "\(place) has no members and does not say that it may have any")
                }
                for name in (object["properties"]?.object ?? JSONObject()).map(\.key) {
                    #expect(name.wholeMatch(of: #/_?[a-z][A-Za-z0-9]*/#) != nil, "\(place): \(name) is no camelCase")
                }
                for name in (object["required"]?.array ?? []).compactMap(\.string) {
                    #expect(object["properties"]?[name] != nil, "\(place) requires \(name), which it does not name")
                }
                if let example = object["example"] {
                    let rule = JSONValue.object(object)
                    #expect(contract.faults(example, rule, "") == [], "\(place): the example is none")
                }
            }
            for (name, member) in value.object ?? JSONObject() { check(member, "\(place)/\(name)") }
            for (index, element) in (value.array ?? []).enumerated() { check(element, "\(place)/\(index)") }
        }
        check(contract.document, "")
    }

    /// `EGIZ_REGENERATE=1` writes the file anew.
    @Test func theServedDocumentIsTheFile() throws {
        let json = try OpenAPIContract().document.text
        let target = URL(filePath: #filePath).appending(path: "../../../../Sources/EgizHTTP/Document/OpenAPIText.swift")
            .standardized
        let fence = "####"
        let text = """
            // swift-format-ignore-file
            // Made from Schemas/openapi.yaml: EGIZ_REGENERATE=1 swift test --filter OpenAPITests

            /// The document of the API as JSON.
            enum OpenAPIText {
                static let json = \(fence)"\(json)"\(fence)
            }

            """
        if ProcessInfo.processInfo.environment["EGIZ_REGENERATE"] == "1" {
            try text.write(to: target, atomically: true, encoding: .utf8)
        } else {
            let found = try String(contentsOf: target, encoding: .utf8)
            #expect(
                found == text, "Schemas/openapi.yaml has changed: EGIZ_REGENERATE=1 swift test --filter OpenAPITests")
        }
    }
}
