import EgizCore
import EgizTwin

extension TopologyTestReport {
    /// One line of JSON: `files`, `passed`, `failed`.
    ///
    /// - Parameter withCoverage: each file has `coverage` as well.
    public static func json(of files: [TopologyTestResults], errors: [String] = [], withCoverage: Bool) -> String {
        var root = JSONObject()
        root["passed"] = .int(Int64(files.reduce(0) { $0 + $1.passed }))
        root["failed"] = .int(Int64(files.reduce(0) { $0 + $1.failed }))
        root["errors"] = .array(errors.map { .string($0) })
        root["files"] = .array(files.map { file(of: $0, withCoverage) })
        return JSONValue.object(root).text
    }

    private static func file(of results: TopologyTestResults, _ withCoverage: Bool) -> JSONValue {
        var file = JSONObject()
        file["file"] = .string(results.file)
        file["tests"] = .array(
            results.results.map { result in
                var test = JSONObject()
                test["name"] = .string(result.name)
                test["line"] = .int(Int64(result.mark.line))
                test["passed"] = .bool(result.hasPassed)
                test["failures"] = .array(result.failures.map(json))
                return .object(test)
            })
        if withCoverage { file["coverage"] = json(results.coverage) }
        return .object(file)
    }

    private static func json(_ failure: TestFailure) -> JSONValue {
        var object = JSONObject()
        object["line"] = .int(Int64(failure.mark.line))
        object["column"] = .int(Int64(failure.mark.column))
        object["message"] = .string(failure.message)
        object["diff"] = .array(failure.lines.map { .string($0.text) })
        return .object(object)
    }

    private static func json(_ coverage: Coverage) -> JSONValue {
        var object = JSONObject()
        object["topology"] = .string(coverage.topology)
        object["reached"] = .int(Int64(coverage.reached))
        object["branches"] = .int(Int64(coverage.branches))
        object["items"] = .array(
            coverage.items.map { item in
                var one = JSONObject()
                one["name"] = .string(item.name)
                one["kind"] = .string(item.kind)
                one["facts"] = .array(item.facts.map { .string($0) })
                one["missing"] = .array(item.missing.map { .string($0) })
                return .object(one)
            })
        return .object(object)
    }
}
