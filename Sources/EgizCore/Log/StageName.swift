/// A stage's name, `<topology>.<source>`; it is the consumer group of the stage as well.
public struct StageName: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let topology: String
    public let source: String

    public init(topology: String, source: String) {
        self.topology = topology
        self.source = source
    }

    public var text: String { "\(topology).\(source)" }
    public var description: String { text }
    public static func < (a: Self, b: Self) -> Bool { a.text < b.text }
}
