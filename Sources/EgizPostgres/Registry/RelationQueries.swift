public import EgizCore
public import EgizTwin

/// Relations between twins: `parent` (one), `partOf`, and whatever people call them. Confined to the thread of its connection.
public struct RelationQueries {
    public struct Relation: Sendable {
        public var thing: String
        public var kind: String
        public var other: String
        /// 1 where it is of the thing that was asked about.
        public var depth: Int64
    }

    public enum Direction: String, Sendable, CaseIterable { case out, `in`, both }

    /// Kinds in which nobody may be above himself.
    public static let trees = ["parent", "partOf"]
    public static let deepest = 16

    /// "rels" in ASCII: whoever adds a relation is alone, so that no circle comes of two.
    private static let lock: Int64 = 0x7265_6C73

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Relations from the thing on, up to one more than `limit`; only between things of the scope, through which alone the way leads.
    public func relations(
        of thing: ThingID, kind: String?, _ direction: Direction, depth: Int, _ scope: AccessScope, limit: Int
    ) throws(EngineError) -> [Relation] {
        var found: [Relation] = []
        if direction != .in { found += try walk(thing, kind, from: "thing_id", to: "other_id", depth, scope, limit) }
        if direction != .out { found += try walk(thing, kind, from: "other_id", to: "thing_id", depth, scope, limit) }
        return found
    }

    private func walk(
        _ thing: ThingID, _ kind: String?, from: String, to: String, _ depth: Int, _ scope: AccessScope, _ limit: Int
    ) throws(EngineError) -> [Relation] {
        var parameters: [PostgresValue] = [.text(thing.text), .int64(Int64(depth)), .int64(Int64(limit) + 1)]
        var condition = ""
        if let kind {
            parameters.append(.text(kind))
            condition += " and relation.kind = $\(parameters.count)"
        }
        if let seen = scope.condition(thing: "relation.\(to)", at: parameters.count + 1) {
            parameters.append(scope.parameter)
            condition += " and \(seen)"
        }
        // Rows of the walk are distinct with their depth, which bounds circles. It goes level by level and ends with the row that
        // makes sure of more relations than are asked for: each has a row of each depth at most.
        return try connection.query(
            """
            with recursive walk (thing_id, kind, other_id, depth) as (
                select relation.thing_id, relation.kind, relation.other_id, 1 from egiz.twin_relation relation
                where relation.\(from) = $1\(condition)
                union
                select relation.thing_id, relation.kind, relation.other_id, walk.depth + 1
                from walk join egiz.twin_relation relation on relation.\(from) = walk.\(to)
                where walk.depth < $2\(condition))
            select thing_id, kind, other_id, min(depth)::bigint from (select * from walk limit $2 * $3) met
            group by 1, 2, 3 order by 4, 2, 1, 3 limit $3
            """, parameters
        ).map {
            Relation(thing: $0.text(0) ?? "", kind: $0.text(1) ?? "", other: $0.text(2) ?? "", depth: $0.int64(3) ?? 0)
        }
    }

    /// What came of adding a relation.
    public enum Outcome: Sendable {
        case added, present
        /// The thing has another parent.
        case hasParent(String)
        /// The thing is above the other one already.
        case circle
    }

    public func add(_ thing: ThingID, _ kind: String, _ other: ThingID) throws(EngineError) -> Outcome {
        _ = try connection.query("select pg_advisory_xact_lock($1)", [.int64(Self.lock)])
        if try has(thing, kind, other) { return .present }
        if kind == "parent",
            let parent = try connection.query(
                "select other_id from egiz.twin_relation where thing_id = $1 and kind = 'parent'", [.text(thing.text)]
            ).first?.text(0)
        {
            return .hasParent(parent)
        }
        if Self.trees.contains(kind), try isAbove(thing, other, kind) { return .circle }
        _ = try connection.query(
            "insert into egiz.twin_relation (thing_id, kind, other_id) values ($1, $2, $3)",
            [.text(thing.text), .text(kind), .text(other.text)])
        return .added
    }

    private func has(_ thing: ThingID, _ kind: String, _ other: ThingID) throws(EngineError) -> Bool {
        try !connection.query(
            "select from egiz.twin_relation where thing_id = $1 and kind = $2 and other_id = $3",
            [.text(thing.text), .text(kind), .text(other.text)]
        ).isEmpty
    }

    /// Whether the thing is the other one, or met on the way up from it.
    private func isAbove(_ thing: ThingID, _ other: ThingID, _ kind: String) throws(EngineError) -> Bool {
        try connection.query(
            """
            with recursive up (thing_id) as (
                select $2::text collate "C"
                union select relation.other_id from up
                join egiz.twin_relation relation on relation.thing_id = up.thing_id and relation.kind = $3)
            select exists (select from up where thing_id = $1)
            """, [.text(thing.text), .text(other.text), .text(kind)]
        ).first?.bool(0) ?? false
    }

    /// False where there is none.
    public func remove(_ thing: ThingID, _ kind: String, _ other: ThingID) throws(EngineError) -> Bool {
        try connection.query(
            "delete from egiz.twin_relation where thing_id = $1 and kind = $2 and other_id = $3",
            [.text(thing.text), .text(kind), .text(other.text)]
        ).affected > 0
    }
}
