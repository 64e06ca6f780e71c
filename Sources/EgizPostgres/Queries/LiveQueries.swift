public import EgizCore
import EgizTwin

/// The present state of things, page by page, with the input positions that live push compares changes with.
public struct LiveQueries: Sendable {
    /// Which things, and what of them.
    public struct Question: Sendable {
        /// Ids in any order; nil: all.
        public var things: [String]?
        /// Those of these projects; nil: all.
        public var projects: [ProjectID]?
        /// What the caller may see.
        public var scope: AccessScope
        public var twins: Bool
        public var scenes: Bool
        /// Those that are not cleared.
        public var alerts: Bool
        public var predictions: Bool

        public init(
            things: [String]?, projects: [ProjectID]?, scope: AccessScope, twins: Bool, scenes: Bool, alerts: Bool,
            predictions: Bool
        ) {
            self.things = things
            self.projects = projects
            self.scope = scope
            self.twins = twins
            self.scenes = scenes
            self.alerts = alerts
            self.predictions = predictions
        }

        /// A project of the question that the scope does not have is not there, or not the caller's to see.
        var both: AccessScope { scope.intersection(projects.map { .projects($0) } ?? .all) }
    }

    public struct Twin: Sendable {
        public var thing: String
        public var revision: Int64
        /// JSON; nil where twins were not asked for.
        public var document: [UInt8]?
        public var position: InputPosition
    }

    /// One snapshot of the database.
    public struct Page: Sendable {
        public var twins: [Twin] = []
        public var scenes: [(thing: String, property: StoredProperty)] = []
        public var alerts: [StoredAlert] = []
        public var predictions: [(thing: String, prediction: StoredPrediction)] = []
        /// Where the next page begins (exclusive); nil: this is the last.
        public var next: String?
    }

    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// Up to `limit` things after `after`, in the order of their ids by bytes; fewer where their documents have more than `bytes` as
    /// they are stored, but at least one.
    public func page(_ question: Question, after: String?, limit: Int, bytes: Int) async throws -> Page {
        if question.both.isEmpty { return Page() }
        return try await pool.read { try Self.page(question, after, limit, bytes, $0) }
    }

    /// The project of each of these things, in their order; nil: nobody's.
    public func projects(of things: [String]) async throws -> [ProjectID?] {
        try await pool.run { connection in
            let rows = try connection.query(
                """
                select egiz.project_of(thing)::text from unnest($1) with ordinality as asked (thing, place) order by place
                """, [.textArray(things)])
            return rows.map { row in row.text(0).flatMap { ProjectID($0) } }
        }
    }

    /// The moves of things between projects after that one, at most `limit`, and the last one there is; of nil none, only the last. Where
    /// some of them are no longer known, `isWhole` is false.
    public func moves(after: Int64?, limit: Int) async throws -> (moves: [LiveMove], last: Int64, isWhole: Bool) {
        try await pool.run { connection in
            // Also where all of them are gone: the next one's number is not used again.
            let ends = try connection.query(
                "select coalesce(min(change_id), 0), coalesce(max(change_id), 0) from egiz.belonging_change"
            ).first
            let last = ends?.int64(1) ?? 0
            guard let after, after < last else { return ([], last, true) }
            let rows = try connection.query(
                """
                select change_id, subject, is_namespace, before_project::text, after_project::text,
                    is_namespace or exists (select from egiz.twin where twin.thing_id = subject)
                from egiz.belonging_change where change_id > $1 order by change_id limit $2
                """, [.int64(after), .int64(Int64(limit))])
            let moves = rows.map { row in
                LiveMove(
                    id: row.int64(0) ?? 0, subject: row.text(1) ?? "", isNamespace: row.bool(2) ?? false,
                    before: row.text(3).flatMap { ProjectID($0) }, after: row.text(4).flatMap { ProjectID($0) },
                    matters: row.bool(5) ?? true)
            }
            return (moves, moves.last?.id ?? last, after + 1 >= ends?.int64(0) ?? 0)
        }
    }

    private static func page(
        _ question: Question, _ after: String?, _ limit: Int, _ bytes: Int, _ connection: PostgresConnection
    ) throws(EngineError) -> Page {
        var page = Page()
        let found = try twins(question, after, limit + 1, bytes, connection)
        page.twins = found.twins
        if found.hasMore || page.twins.count > limit {
            if page.twins.count > limit { page.twins.removeLast() }
            page.next = page.twins.last?.thing
        }
        let things: [String?] = page.twins.map { $0.thing }
        guard !things.isEmpty else { return page }
        if question.scenes { page.scenes = try scenes(things, connection) }
        if question.alerts { page.alerts = try AlertQueries(connection).open(of: things) }
        if question.predictions { page.predictions = try PredictionQueries.all(of: things, connection) }
        return page
    }

    private static func twins(
        _ question: Question, _ after: String?, _ limit: Int, _ bytes: Int, _ connection: PostgresConnection
    ) throws(EngineError) -> (twins: [Twin], hasMore: Bool) {
        var parameters: [PostgresValue] = [.int64(Int64(limit)), .int64(Int64(bytes))]
        var conditions = ["not deleted"]
        if let after {
            parameters.append(.text(after))
            conditions.append("twin.thing_id > $\(parameters.count)")
        }
        if let things = question.things {
            parameters.append(.textArray(things))
            conditions.append("twin.thing_id = any ($\(parameters.count))")
        }
        let scope = question.both
        if scope != .all { parameters.append(scope.parameter) }
        let found = scope.select(
            """
            twin.thing_id, revision, document, input_topic, input_partition, input_offset,
            \(question.twins ? "pg_column_size(document)::bigint" : "0::bigint") as weight
            """, from: "egiz.twin", thing: "twin.thing_id", where: conditions.joined(separator: " and "),
            order: "twin.thing_id", limit: "$1", at: parameters.count)
        // The bytes before a row say whether it has room, without a look into the documents.
        let rows = try connection.query(
            """
            select thing_id, revision, \(question.twins ? "document" : "null"), input_topic, input_partition, input_offset,
                place < times
            from (
                select *, sum(weight) over (order by thing_id) - weight as before, row_number() over (order by thing_id) as place,
                    count(*) over () as times
                from (select * from (\(found)) part order by thing_id limit $1) found
            ) weighed where before <= $2 order by thing_id
            """, parameters)
        let hasMore = rows.isEmpty ? false : rows[rows.count - 1].bool(6) ?? false
        let twins = rows.map { row in
            Twin(
                thing: row.text(0) ?? "", revision: row.int64(1) ?? 0, document: row.bytes(2),
                position: InputPosition(
                    topic: row.text(3) ?? "", partition: Int32(clamping: row.int64(4) ?? 0), offset: row.int64(5) ?? 0))
        }
        return (twins, hasMore)
    }

    private static func scenes(
        _ things: [String?], _ connection: PostgresConnection
    ) throws(EngineError) -> [(thing: String, property: StoredProperty)] {
        try connection.query(
            """
            select thing_id, object_name, target, value, revision, event_time, cause_topic, cause_partition, cause_offset
            from egiz.scene where thing_id = any ($1) order by thing_id, object_name, target
            """, [.textArray(things)]
        ).map { row in
            var cause: InputPosition?
            if let topic = row.text(6), let partition = row.int64(7), let offset = row.int64(8) {
                cause = InputPosition(topic: topic, partition: Int32(clamping: partition), offset: offset)
            }
            return (
                row.text(0) ?? "",
                StoredProperty(
                    object: row.text(1) ?? "", target: row.text(2) ?? "", value: row.bytes(3) ?? [],
                    revision: row.int64(4) ?? 0, time: EventTime(microseconds: row.timestamp(5) ?? 0), cause: cause)
            )
        }
    }
}
