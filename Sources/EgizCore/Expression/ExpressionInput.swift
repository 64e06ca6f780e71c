/// Something that an expression reads.
public enum ExpressionInput: Sendable, Hashable {
    /// A path into the thing, as the segments of a JSON pointer.
    case path([String])
    case thingID
    case namespace
    /// The name of the thing: its id after the namespace.
    case name
    case revision
    /// Event time in seconds since 1970.
    case time
    /// The value that the expression is about, where there is one: that of a binding's `path`.
    case value

    /// The words that are no paths, in the order of the documentation.
    static let words: [(String, ExpressionInput)] = [
        ("thingId", .thingID), ("namespace", .namespace), ("name", .name), ("revision", .revision), ("time", .time),
        ("value", .value),
    ]

    /// Where paths begin.
    static let roots = ["features", "attributes", "definition", "policyId"]

    /// True where what it reads changes with every event, whichever path that wrote.
    public var changesAlways: Bool { self == .revision || self == .time }
}
