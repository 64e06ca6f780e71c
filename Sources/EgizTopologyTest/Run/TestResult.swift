public import EgizCore

/// What came of one test.
public struct TestResult: Sendable {
    public let name: String
    public let mark: SourceMark
    /// Empty where it passed.
    public let failures: [TestFailure]

    public var hasPassed: Bool { failures.isEmpty }
}

/// Something that a test expected otherwise.
public struct TestFailure: Sendable {
    /// The place in the test file.
    public let mark: SourceMark
    public let message: String
    public let lines: [DiffLine]
}

/// What came of one test file.
public struct TopologyTestResults: Sendable {
    public let file: String
    public let results: [TestResult]
    public let coverage: Coverage

    public var passed: Int { results.filter(\.hasPassed).count }
    public var failed: Int { results.count - passed }
}
