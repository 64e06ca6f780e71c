/// A JSON Schema (2020-12, the part that says something of single values), compiled: what a type says of the features of its twins.
///
/// A keyword that is not known is a fault when the schema is read, so that none is passed over when values are checked. Checking is
/// bounded: in depth, and in steps of expressions.
public struct ValueSchema: Sendable {
    /// What is wrong with the schema itself.
    public struct Fault: Error, Sendable, Equatable {
        /// JSON pointer into the schema.
        public var place: String
        public var message: String
    }

    /// What is wrong with a value.
    public struct Violation: Sendable, Equatable {
        /// JSON pointer into the value.
        public var place: String
        public var message: String
    }

    static let mostNodes = 4096
    static let deepest = 64
    /// Steps of all expressions of one check.
    static let mostSteps = 200_000

    /// The schemas of this schema; the first is the whole one.
    let nodes: [SchemaNode]

    /// - Throws: the first thing that is wrong with the schema.
    public init(_ schema: JSONValue) throws(Fault) {
        var reader = SchemaReader(root: schema)
        nodes = try reader.read()
    }

    /// What is wrong with a value, up to `most` violations; empty where it is as the schema says.
    public func violations(of value: JSONValue, most: Int = 10) -> [Violation] {
        var check = SchemaCheck(nodes: nodes, most: most)
        check.check(value, 0, place: [], depth: 0)
        return check.violations
    }
}
