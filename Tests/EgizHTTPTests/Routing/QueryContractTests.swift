import EgizCore
import EgizPostgres
import EgizProcessors
import EgizTwin
import HTTPTypes
import Testing

@testable import EgizHTTP

/// What handlers take of query parameters, and what `Schemas/openapi.yaml` says they take, are the same: which are needed, types, words and
/// bounds. Handlers are asked without a database: parameters are looked at before anything else.
@Suite struct QueryContractTests {
    private static let ids = [
        "11111111-1111-1111-1111-111111111111", "1", "org.walk:x", "org.walk:pump:1.0", "anomaly",
    ]

    private func routes() throws -> [APIRoute] {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        pool.close()
        let setup = RehearsalSetup(
            registry: .builtin, url: "", read: { _, _ in nil },
            load: { _ in .init(topology: nil, faults: [], unset: []) })
        return APIServer(
            configuration: APIConfiguration(port: 0), pool: pool, lag: nil, rehearsal: setup, logger: TestAPI.quiet
        ).routes.routes.filter { !$0.parameters.isEmpty && $0.path != LiveHandshake.path }
    }

    /// What the handler says of each parameter; nil where it does not get so far as to look at them.
    private func ask(_ route: APIRoute, _ query: String) async -> [String: String]? {
        for id in Self.ids {
            var captures: [String: String] = [:]
            for match in route.path.matches(of: #/\{([A-Za-z]+)\}/#) { captures[String(match.1)] = id }
            var request = APIRequest(path: route.path, query: query, headers: [.ifMatch: "*"], captures: captures)
            request.method = route.writing?.method ?? .get
            request.principal = Principal(
                kind: .user, id: Self.ids[0], name: "admin@example.com", userID: UUIDText(Self.ids[0]), isAdmin: true)
            request.project = ProjectID(Self.ids[0])
            do {
                _ = try await route.handler(request)
            } catch let problem as Problem where problem.code == "parameter" {
                let faults = problem.faults.map { ($0.parameter, $0.detail) }
                // The path was of another form.
                if faults.contains(where: { captures[$0.0] != nil }) { continue }
                return Dictionary(faults, uniquingKeysWith: { first, _ in first })
            } catch {
                continue
            }
        }
        return nil
    }

    private func each(
        _ body: (_ place: String, APIRoute, _ name: String, _ rule: JSONObject, _ isRequired: Bool) async -> Void
    ) async throws {
        let contract = try OpenAPIContract()
        var count = 0
        for route in try routes() {
            let method = route.writing?.method.rawValue.lowercased() ?? "get"
            guard let operation = contract.operation(method, route.path) else { continue }
            for parameter in contract.parameters(operation) where parameter["in"] == .string("query") {
                guard let name = parameter["name"]?.string, let rule = parameter["schema"].flatMap(contract.resolve)
                else { continue }
                count += 1
                await body("\(method) \(route.path)", route, name, rule, parameter["required"] == .bool(true))
            }
        }
        #expect(count > 100)
    }

    @Test func whatTheDocumentRefusesTheHandlerRefuses() async throws {
        try await each { place, route, name, rule, _ in
            for (text, why) in Self.wrong(rule) {
                let faults = await ask(route, "\(name)=\(text)")
                #expect(faults?[name] != nil, "\(place) takes \(name)=\(text) (\(why))")
            }
        }
    }

    @Test func whatTheDocumentTakesTheHandlerTakes() async throws {
        try await each { place, route, name, rule, _ in
            // What is computed is of intervals.
            let others = route.parameters.contains("interval") && name != "interval" ? "&interval=1m" : ""
            for text in Self.right(rule) {
                let fault = await ask(route, "\(name)=\(text)\(others)")?[name]
                #expect(fault == nil, "\(place) refuses \(name)=\(text): \(fault ?? "")")
            }
        }
    }

    @Test func eachNeedsTheParametersThatTheOtherNeeds() async throws {
        try await each { place, route, name, _, isRequired in
            let isNeeded = await ask(route, "")?[name] != nil
            #expect(isNeeded == isRequired, "\(place): \(name) is \(isNeeded ? "" : "not ")needed")
        }
    }

    private static func wrong(_ rule: JSONObject) -> [(String, String)] {
        var wrong: [(String, String)] = []
        if rule["enum"] != nil { wrong.append(("zzzz", "not in the enum")) }
        switch rule["type"]?.string {
        case "integer":
            wrong += [("x", "no number"), ("1.5", "not whole")]
            if case .int(let least)? = rule["minimum"] { wrong.append(("\(least - 1)", "too small")) }
            if case .int(let most)? = rule["maximum"] { wrong.append(("\(most + 1)", "too large")) }
        case "boolean": wrong.append(("zzzz", "no flag"))
        default: break
        }
        if rule["format"] == .string("uuid") { wrong.append(("zzzz", "no UUID")) }
        return wrong
    }

    private static func right(_ rule: JSONObject) -> [String] {
        if let words = rule["enum"]?.array { return words.compactMap(\.string) }
        switch rule["type"]?.string {
        case "integer": return [rule["minimum"], rule["maximum"], rule["default"]].compactMap { $0?.text }
        case "boolean": return ["true", "false"]
        case "array": return (rule["example"]?.array ?? []).compactMap(\.string)
        default:
            if rule["format"] == .string("uuid") { return [ids[0]] }
            // Signs of a filter that queries take as they are.
            return [rule["example"]?.string].compactMap { $0.map { PercentText.encode($0) } }
        }
    }
}
