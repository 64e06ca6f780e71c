import Foundation
import Testing

/// The program of examples/custom-processor: `egiz` with one kind more.
@Suite struct CustomProcessorTests {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("examples/custom-processor")

    private func run(_ program: String, _ arguments: [String], says part: String) throws -> (
        code: Int32, output: String
    ) {
        let program = try Program(program, arguments, directory: Self.folder)
        let code = program.wait()
        // The pipe is read on another thread; its end may come after the program's.
        _ = eventually(within: 2) { program.output.contains(part) }
        return (code, program.output)
    }

    @Test func everyCommandKnowsTheKindOfThePackage() throws {
        let kinds = try run("CustomProcessor", ["kinds", "limit"], says: "Tells of every number above a limit.")
        #expect(kinds.code == 0 && kinds.output.contains("Tells of every number above a limit."), "\(kinds.output)")
        let test = try run("CustomProcessor", ["topology", "test", "Topologies"], says: "passed")
        #expect(test.code == 0, "\(test.output)")
        let unknown = #"unknown kind "limit""#
        let without = try run("egiz", ["topology", "validate", "Topologies/limits.yaml"], says: unknown)
        #expect(without.code != 0 && without.output.contains(unknown), "\(without.output)")
    }

    @Test func kindsAreListedForProgramsAndForReaders() throws {
        let program = try Program("CustomProcessor", ["kinds", "--json"], directory: Self.folder)
        #expect(program.wait() == 0)
        func list() -> [[String: Any]]? {
            (try? JSONSerialization.jsonObject(with: Data(program.output.utf8))) as? [[String: Any]]
        }
        _ = eventually(within: 2) { list() != nil }
        let kinds = try #require(list(), "\(program.output.prefix(200))")
        #expect(kinds.compactMap { $0["kind"] as? String }.last == "limit")
        let alerts = try #require(kinds.first { $0["kind"] as? String == "alert-rule" })
        let words = try #require(alerts["words"] as? [[String: Any]])
        #expect(words.compactMap { $0["name"] as? String }.contains("rules"))
        #expect(kinds.allSatisfy { ($0["example"] as? String)?.contains("kind: ") == true })
        let text = try run("CustomProcessor", ["kinds", "--markdown", "alert-rule"], says: "| `rules` |")
        #expect(text.code == 0 && text.output.contains("| `rules` |"), "\(text.output)")
        #expect(!text.output.contains("binding-evaluator"), "only the kind that was asked for")
        let both = try run("egiz", ["kinds", "--json", "--markdown"], says: "not both")
        #expect(both.code != 0 && both.output.contains("not both"))
        let wrong = try run("egiz", ["kinds", "alert-rul"], says: "did you mean alert-rule?")
        #expect(wrong.code != 0 && wrong.output.contains("did you mean alert-rule?"))
    }

    @Test func theWholePackageHasLessThanSixtyLines() throws {
        let files = ["Package.swift", "Sources/MyEgiz/MyEgiz.swift"]
        let lines = try files.reduce(0) { sum, name in
            let text = try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
            return sum + text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
        }
        #expect(lines < 60)
    }
}
