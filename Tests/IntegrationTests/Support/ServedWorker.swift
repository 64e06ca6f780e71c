import Foundation
import Testing

/// `egiz up` on servers that are there already: a worker and the API in one process, for what it says of itself.
///
/// Unchecked: used by one test at a time.
final class ServedWorker: @unchecked Sendable {
    private struct Run: Decodable { var api: String }
    private struct Readiness: Decodable {
        struct Check: Decodable {
            var name: String
            var state: String
            var reason: String?
        }
        var checks: [Check]
    }

    let program: Program
    private let api: String

    init(_ topology: URL, environment: [String: String]) throws {
        let data = topology.deletingLastPathComponent().appendingPathComponent("data")
        program = try Program(
            "egiz", ["up", "--topologies", topology.path],
            environment: environment.merging(
                ["EGIZ_DATA_DIR": data.path, "EGIZ_HTTP_ADDRESS": "127.0.0.1:0"]
            ) { _, new in new })
        let file = data.appendingPathComponent("run.json")
        let program = program
        let isUp = eventually(within: 60) { FileManager.default.fileExists(atPath: file.path) || !program.isRunning }
        try #require(isUp && program.isRunning, "\(program.output)")
        api = try JSONDecoder().decode(Run.self, from: Data(contentsOf: file)).api
    }

    var output: String { program.output }
    var isReady: Bool { HTTPClient.get("\(api)/readyz")?.status == 200 }

    /// Why stages wait, as `/readyz` says it; empty where it says that all is well.
    var waitingReasons: [String] {
        guard let answer = HTTPClient.get("\(api)/readyz"), answer.status == 503,
            let readiness = try? JSONDecoder().decode(Readiness.self, from: answer.body)
        else { return [] }
        return readiness.checks.filter { $0.state == "waiting" && $0.name.contains("#") }.compactMap(\.reason)
    }

    /// The parts for which `egiz_stage_waiting` is 1 in `/metrics`; nil where it is not there at all.
    var waitingParts: Set<String>? {
        guard let text = HTTPClient.get("\(api)/metrics")?.text else { return nil }
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("egiz_stage_waiting{") }
        guard !lines.isEmpty else { return nil }
        return Set(
            lines.filter { $0.hasSuffix(" 1") }.compactMap {
                $0.split(separator: "part=\"").last?.split(separator: "\"").first.map(String.init)
            })
    }

    /// How many log lines contain the text.
    func count(of text: String) -> Int { output.split(separator: "\n").filter { $0.contains(text) }.count }
}
