/// A condition over twins, as a search asks for it.
public indirect enum TwinFilter: Sendable, Equatable {
    case and([TwinFilter])
    case or([TwinFilter])
    case not(TwinFilter)
    case compare(Property, Comparison, Value)
    case among(Property, [Value])
    /// `*` stands for any characters, `?` for one.
    case like(Property, String, ignoresCase: Bool)
    case exists(Property)

    public enum Comparison: Sendable, Equatable, CaseIterable { case equal, notEqual, greater, atLeast, less, atMost }

    public enum Value: Sendable, Equatable {
        case null
        case bool(Bool)
        case number(Double)
        case text(String)
    }

    public enum Property: Sendable, Equatable {
        case thingID, namespace, definition
        /// The definition that the device tells, or the type of the registration where it tells none; a type counts for its descendants.
        case type
        case revision, created, modified
        /// A path into the document; `*` after `features` stands for any feature.
        case document([String])
        /// A path into the metadata of the registration.
        case metadata([String])
    }

    /// How many comparisons it has.
    public var size: Int {
        switch self {
        case .and(let parts), .or(let parts): parts.reduce(0) { $0 + $1.size }
        case .not(let part): part.size
        case .among(_, let values): values.count
        case .compare, .like, .exists: 1
        }
    }
}
