import EgizCore
import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTwin
import HTTPTypes
import Hummingbird
import Testing

@testable import EgizHTTP

/// What handlers take of JSON bodies, and what `Schemas/openapi.yaml` says they take, are the same: members, which of them are needed,
/// types, words and bounds. Handlers are asked without a database: a body is looked at before anything else.
@Suite struct RequestBodyContractTests {
    /// What a handler said of a body: its faults by the name of the member, nil where it found none.
    private typealias Faults = [String: String]

    private static let ids = ["11111111-1111-1111-1111-111111111111", "1", "org.walk:x", "org.walk:pump:1.0"]
    private static let codes = ["invalid-body", "invalid-type"]
    /// Looked at with the account, when all else of the body is well.
    private static let later = ["password", "newPassword"]

    private func routes() throws -> [APIRoute] {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        pool.close()
        var configuration = APIConfiguration(port: 0)
        configuration.accounts = AccountConfiguration(
            demand: .required, secret: try TokenSecret(TestPeople.secret), passwordCost: .light)
        let setup = RehearsalSetup(
            registry: .builtin, url: "", read: { _, _ in nil },
            load: { _ in .init(topology: nil, faults: [], unset: []) })
        return APIServer(configuration: configuration, pool: pool, lag: nil, rehearsal: setup, logger: TestAPI.quiet)
            .routes.routes.filter { $0.writing?.accepts.contains("application/json") == true }
    }

    /// Asks the handler; segments of the path are of whatever form it takes.
    private func ask(_ route: APIRoute, _ body: JSONValue) async -> Faults? {
        for id in Self.ids {
            var captures: [String: String] = [:]
            for match in route.path.matches(of: #/\{([A-Za-z]+)\}/#) { captures[String(match.1)] = id }
            var request = APIRequest(
                path: route.path, query: nil, headers: [.contentType: "application/json", .ifMatch: "*"],
                captures: captures)
            request.method = route.writing?.method ?? .post
            request.body = Array(body.text.utf8)
            request.principal = Principal(
                kind: .user, id: Self.ids[0], name: "admin@example.com", userID: UUIDText(Self.ids[0]), isAdmin: true)
            request.project = ProjectID(Self.ids[0])
            do {
                _ = try await route.handler(request)
            } catch let problem as Problem where Self.codes.contains(problem.code) {
                return Dictionary(
                    problem.faults.map { fault in
                        let name = fault.isPointer ? fault.place.dropFirst().prefix { $0 != "/" } : fault.place[...]
                        return (String(name), fault.detail)
                    }, uniquingKeysWith: { first, _ in first })
            } catch {
                // The path was of another form, or the body is well and the database away.
            }
        }
        return nil
    }

    private func object(_ name: String, _ value: JSONValue) -> JSONValue {
        var object = JSONObject()
        object[name] = value
        return .object(object)
    }

    /// - Parameter isClosed: Only bodies whose members the document names all; words of topology files are checked by their reader.
    private func each(
        isClosed: Bool = true, _ body: (String, APIRoute, JSONObject, OpenAPIContract) async -> Void
    ) async throws {
        let contract = try OpenAPIContract()
        let routes = try routes()
        #expect(routes.count > 15)
        for route in routes {
            let method = route.writing?.method.rawValue.lowercased() ?? ""
            let request = contract.operation(method, route.path)?.value["requestBody"].flatMap(contract.resolve)
            let place = "\(method) \(route.path)"
            guard
                let schema = request?["content"]?["application/json"]?["schema"].flatMap(contract.resolve)
            else {
                Issue.record("\(place) has no schema of its body")
                continue
            }
            if isClosed, schema["additionalProperties"] != .bool(false) { continue }
            await body(place, route, schema, contract)
        }
    }

    @Test func eachKnowsTheMembersOfTheOther() async throws {
        try await each(isClosed: false) { place, route, schema, contract in
            let documented = Set(contract.members(schema).known.map(\.key))
            let detail = await ask(route, object("zzzzzzzzzzzz", .null))?["zzzzzzzzzzzz"]
            guard schema["additionalProperties"] == .bool(false) else {
                #expect(detail == nil, "\(place) refuses what is not documented: additionalProperties")
                return
            }
            let known = detail?.split(separator: "Known are ").last?.dropLast().split(separator: ", ").map(String.init)
            #expect(Set(known ?? []) == documented, "\(place)")
        }
    }

    @Test func eachNeedsTheMembersThatTheOtherNeeds() async throws {
        try await each { place, route, schema, contract in
            let faults = await ask(route, .object(JSONObject())) ?? [:]
            let missing = Set(faults.filter { $0.value.hasSuffix("is missing.") }.keys)
            let required = Set(contract.members(schema).required)
            // What is no member of its own, such as one of two, is said in words.
            #expect(missing.isSubset(of: required), "\(place): needed, and not documented so")
            #expect(required.isSubset(of: Set(faults.keys)), "\(place): documented as needed, and not needed")
        }
    }

    @Test func whatTheDocumentRefusesOfAMemberTheHandlerRefuses() async throws {
        try await each { place, route, schema, contract in
            for (name, rule) in contract.members(schema).known where !Self.later.contains(name) {
                guard let rule = contract.resolve(rule) else { continue }
                for (value, why) in Self.wrong(rule) + Self.wrongInside(rule, contract) {
                    let faults = await ask(route, object(name, value)) ?? [:]
                    #expect(faults[name] != nil, "\(place) takes \(name) \(why)")
                }
            }
        }
    }

    /// Values that the rule of a member refuses.
    private static func wrong(_ rule: JSONObject) -> [(JSONValue, String)] {
        var wrong: [(JSONValue, String)] = []
        switch rule["type"]?.string {
        case "string":
            wrong.append((.bool(true), "that is no text"))
            if rule["enum"] != nil { wrong.append((.string("zzzz"), "that is not in the enum")) }
            if case .int(let most)? = rule["maxLength"] {
                wrong.append((.string(String(repeating: "a", count: Int(most) + 1)), "that is too long"))
            }
            if case .int(let least)? = rule["minLength"], least > 0 { wrong.append((.string(""), "that is empty")) }
            if rule["format"] == .string("uuid") { wrong.append((.string("zzzz"), "that is no UUID")) }
        case "integer":
            wrong.append((.string("1"), "that is no number"))
            wrong.append((.double(1.5), "that is not whole"))
            if case .int(let least)? = rule["minimum"] { wrong.append((.int(least - 1), "that is too small")) }
            if case .int(let most)? = rule["maximum"] { wrong.append((.int(most + 1), "that is too large")) }
        case "number": wrong.append((.string("1"), "that is no number"))
        case "boolean": wrong.append((.string("true"), "that is no flag"))
        case "array":
            wrong.append((.bool(true), "that is no array"))
            if case .int(let most)? = rule["maxItems"], most <= 10_000 {
                wrong.append((.array(Array(repeating: .null, count: Int(most) + 1)), "that has too many elements"))
            }
        case "object": wrong.append((.bool(true), "that is no object"))
        default: break
        }
        return wrong
    }

    /// Values that are right but for something further inside: an element, or a member of a member.
    private static func wrongInside(_ rule: JSONObject, _ contract: OpenAPIContract) -> [(JSONValue, String)] {
        var wrong: [(JSONValue, String)] = []
        if let items = rule["items"].flatMap(contract.resolve) {
            var least = 1
            if case .int(let count)? = rule["minItems"] { least = max(1, Int(count)) }
            let right = right(items, contract)
            for (value, why) in Self.wrong(items) + wrongInside(items, contract) {
                let elements = Array(repeating: right, count: least - 1) + [value]
                wrong.append((.array(elements), "with an element \(why)"))
            }
            if least > 1 {
                wrong.append((.array(Array(repeating: right, count: least - 1)), "with too few elements"))
            }
        }
        for (name, inner) in contract.members(rule).known {
            guard let inner = contract.resolve(inner), rule["type"] == .string("object") else { continue }
            for (value, why) in Self.wrong(inner) + wrongInside(inner, contract) {
                var object = JSONObject()
                object[name] = value
                wrong.append((.object(object), "with a member \(name) \(why)"))
            }
        }
        if rule["additionalProperties"] == .bool(false) {
            var object = JSONObject()
            object["zzzzzzzzzzzz"] = .int(1)
            wrong.append((.object(object), "with a member that nobody knows"))
        }
        if let values = rule["additionalProperties"].flatMap(contract.resolve) {
            for (value, why) in Self.wrong(values) {
                var object = JSONObject()
                object["/a"] = value
                wrong.append((.object(object), "with a member \(why)"))
            }
        }
        return wrong
    }

    /// A value that the rule takes.
    private static func right(_ rule: JSONObject, _ contract: OpenAPIContract) -> JSONValue {
        switch rule["type"]?.string {
        case "string": rule["format"] == .string("uuid") ? .string(ids[0]) : .string("aaaa")
        case "integer", "number": .int(1)
        case "boolean": .bool(true)
        case "array": .array([])
        default: .object(JSONObject())
        }
    }

    /// A bound that the document does not know is met by somebody who keeps to the document.
    @Test func textsThatTheDocumentDoesNotBoundAreNotTooLong() async throws {
        try await each { place, route, schema, contract in
            for (name, rule) in contract.members(schema).known {
                guard let rule = contract.resolve(rule), rule["type"] == .string("string"), rule["enum"] == nil,
                    rule["format"] == nil, rule["pattern"] == nil
                else { continue }
                var length = 50_000
                if case .int(let most)? = rule["maxLength"] { length = Int(most) }
                let text = String(repeating: "a", count: length)
                let detail = await ask(route, object(name, .string(text)))?[name] ?? ""
                #expect(!detail.contains("must be a text of"), "\(place): \(name) of \(length) bytes: \(detail)")
            }
        }
    }
}
