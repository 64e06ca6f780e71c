/// What one segment of history holds; a segment never mixes kinds (rule 25). The raw values are stored.
public enum SampleKind: Int16, Sendable, CaseIterable {
    /// Numbers; `texts` holds the exact literal of an integer that float8 cannot hold.
    case number = 1
    case text = 2
    /// Booleans, as 0 and 1.
    case boolean = 3
    /// Arrays, and strings with U+0000 (which Postgres' text refuses), as compact JSON.
    case json = 4
    /// A JSON null stored at the path.
    case null = 5
    /// The path ceased to exist at this time.
    case absent = 6

    public var name: String {
        switch self {
        case .number: "number"
        case .text: "text"
        case .boolean: "boolean"
        case .json: "json"
        case .null: "null"
        case .absent: "absent"
        }
    }
}
