import EgizPostgres
import Foundation
import Testing

@testable import EgizHTTP

@Suite struct OpenAPITests {
    /// Paths of the document and the query parameters of each; read line by line, as the document is written.
    private static func documented() throws -> [String: Set<String>] {
        let file = URL(filePath: #filePath).appending(path: "../../../../Schemas/openapi.yaml").standardized
        var paths: [String: Set<String>] = [:]
        var path: String?
        var name: String?
        var inPaths = false
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if !line.hasPrefix(" ") { inPaths = line == "paths:" }
            guard inPaths else { continue }
            let text = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("  /"), text.hasSuffix(":") {
                path = String(text.dropLast())
                paths[path!] = []
            } else if let path, let range = text.range(of: "#/components/parameters/") {
                paths[path]?.insert(String(text[range.upperBound...].dropLast()))
            } else if text.hasPrefix("- name: ") {
                name = String(text.dropFirst(8))
            } else if text == "in: query", let path, let name {
                paths[path]?.insert(name)
            }
        }
        return paths
    }

    @Test func theDocumentHasExactlyThePathsAndParametersOfTheRouter() throws {
        let pool = PostgresPool(url: "postgres://egiz@127.0.0.1:1/egiz", applicationName: "test", size: 1)
        defer { pool.close() }
        let server = APIServer(configuration: APIConfiguration(port: 0), pool: pool, lag: nil, logger: TestAPI.quiet)
        let documented = try Self.documented()
        #expect(Set(documented.keys) == Set(server.routes.routes.map(\.path)))
        for route in server.routes.routes {
            let captures = Set(route.path.matches(of: #/\{([A-Za-z]+)\}/#).map { String($0.1) })
            #expect(documented[route.path] == captures.union(route.parameters), "\(route.path)")
        }
    }
}
