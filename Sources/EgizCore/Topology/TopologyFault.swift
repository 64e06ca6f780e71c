/// One thing that is wrong with a topology: where, what was found, what was expected.
public struct TopologyFault: Sendable, Hashable, Comparable {
    public enum Severity: String, Sendable { case error, warning }

    public var severity: Severity
    public var mark: SourceMark
    public var message: String

    public init(_ severity: Severity = .error, at mark: SourceMark, _ message: String) {
        self.severity = severity
        self.mark = mark
        self.message = message
    }

    public static func < (a: Self, b: Self) -> Bool { a.mark == b.mark ? a.message < b.message : a.mark < b.mark }
}
