public import EgizCore
public import EgizTwin

/// Models of machine learning, their tasks, and whom tasks are for. Confined to the thread of its connection.
public struct TaskQueries {
    /// A model or a task: a name with words.
    public struct Entry: Sendable {
        public var name: String
        public var settings: JSONObject
        public var isEnabled: Bool
        /// Only for twins that are bound to it.
        public var isBound: Bool
        public var version: Int64
        public var createdAt: EventTime
        public var updatedAt: EventTime
    }

    public enum Kind: Sendable {
        case model, task

        fileprivate var table: String { self == .model ? "egiz.ml_model" : "egiz.ml_task" }
        fileprivate var key: String { self == .model ? "model" : "task" }
        fileprivate var flags: String { self == .model ? "true, false" : "enabled, bound" }
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    private static func columns(_ kind: Kind) -> String {
        "\(kind.key), settings::text, \(kind.flags), version, created_at, updated_at"
    }

    /// Ascending by name, up to one more than `limit`.
    public func page(_ kind: Kind, after: String?, limit: Int) throws(EngineError) -> [Entry] {
        try connection.query(
            """
            select \(Self.columns(kind)) from \(kind.table) where \(kind.key) > $1 order by \(kind.key) collate "C" limit $2
            """, [.text(after ?? ""), .int64(Int64(limit) + 1)]
        ).map(Self.entry)
    }

    public func entry(_ kind: Kind, _ name: String, locked: Bool = false) throws(EngineError) -> Entry? {
        try connection.query(
            "select \(Self.columns(kind)) from \(kind.table) where \(kind.key) = $1\(locked ? " for update" : "")",
            [.text(name)]
        ).first.map(Self.entry)
    }

    /// Stores what was checked, anew or in the place of what was there.
    public func putTask(_ name: String, _ settings: JSONObject, enabled: Bool, bound: Bool) throws(EngineError) {
        _ = try connection.query(
            """
            insert into egiz.ml_task (task, settings, enabled, bound) values ($1, $2::text::jsonb, $3, $4)
            on conflict (task) do update
            set settings = excluded.settings, enabled = excluded.enabled, bound = excluded.bound
            """, [.text(name), .text(JSONValue.object(settings).text), .bool(enabled), .bool(bound)])
    }

    public func putModel(_ name: String, _ settings: JSONObject) throws(EngineError) {
        _ = try connection.query(
            """
            insert into egiz.ml_model (model, settings) values ($1, $2::text::jsonb)
            on conflict (model) do update set settings = excluded.settings
            """, [.text(name), .text(JSONValue.object(settings).text)])
    }

    public func delete(_ kind: Kind, _ name: String) throws(EngineError) {
        _ = try connection.query("delete from \(kind.table) where \(kind.key) = $1", [.text(name)])
    }

    /// Tasks that ask a model by name.
    public func tasks(asking model: String) throws(EngineError) -> [String] {
        try connection.query(
            "select task from egiz.ml_task where coalesce(settings ->> 'model', task) = $1 order by task limit 10",
            [.text(model)]
        ).compactMap { $0.text(0) }
    }

    // MARK: Whom a task is for

    public struct Member: Sendable {
        public var id: Int64
        public var type: String?
        public var thing: String?
        public var createdAt: EventTime
    }

    /// Ascending by id, after one, up to one more than `limit`.
    public func members(of task: String, after: Int64, limit: Int) throws(EngineError) -> [Member] {
        try connection.query(
            """
            select binding_id, twin_type, thing_id, created_at from egiz.ml_task_binding
            where task = $1 and binding_id > $2 order by binding_id limit $3
            """, [.text(task), .int64(after), .int64(Int64(limit) + 1)]
        ).map(Self.member)
    }

    /// The binding of the task to that type or thing, made where there was none.
    public func bind(_ task: String, type: String?, thing: ThingID?) throws(EngineError) -> (
        member: Member?, isNew: Bool
    ) {
        let made = try connection.query(
            """
            insert into egiz.ml_task_binding (task, twin_type, thing_id) values ($1, $2, $3) on conflict do nothing
            """, [.text(task), .optional(type), .optional(thing?.text)])
        let found = try connection.query(
            """
            select binding_id, twin_type, thing_id, created_at from egiz.ml_task_binding
            where task = $1 and twin_type is not distinct from $2 and thing_id is not distinct from $3
            """, [.text(task), .optional(type), .optional(thing?.text)])
        return (found.first.map(Self.member), made.affected > 0)
    }

    /// The binding that is no more; nil where there was none.
    public func unbind(_ id: Int64, from task: String) throws(EngineError) -> Member? {
        try connection.query(
            """
            delete from egiz.ml_task_binding where binding_id = $1 and task = $2
            returning binding_id, twin_type, thing_id, created_at
            """, [.int64(id), .text(task)]
        ).first.map(Self.member)
    }

    private static func member(_ row: PostgresRow) -> Member {
        Member(
            id: row.int64(0) ?? 0, type: row.text(1), thing: row.text(2),
            createdAt: EventTime(microseconds: row.timestamp(3) ?? 0))
    }

    private static func entry(_ row: PostgresRow) -> Entry {
        Entry(
            name: row.text(0) ?? "",
            settings: row.bytes(1).flatMap { try? JSONParser().parse($0) }?.object ?? JSONObject(),
            isEnabled: row.bool(2) ?? true, isBound: row.bool(3) ?? false, version: row.int64(4) ?? 0,
            createdAt: EventTime(microseconds: row.timestamp(5) ?? 0),
            updatedAt: EventTime(microseconds: row.timestamp(6) ?? 0))
    }
}
