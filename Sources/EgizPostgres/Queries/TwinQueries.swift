import EgizCore
public import EgizTwin

/// Reads twins. Safe from any thread; errors are those of `PostgresPool.run`.
public struct TwinQueries: Sendable {
    public struct Filter: Sendable, Equatable {
        public var namespace: String?
        public var definition: String?
        public var condition: TwinFilter?
        /// Only things of these projects.
        public var scope: AccessScope

        public init(
            namespace: String? = nil, definition: String? = nil, condition: TwinFilter? = nil, scope: AccessScope = .all
        ) {
            (self.namespace, self.definition) = (namespace, definition)
            (self.condition, self.scope) = (condition, scope)
        }
    }

    public struct Page: Sendable {
        /// Ascending by the bytes of the thing id.
        public var twins: [StoredTwin]
        public var hasMore: Bool
    }

    /// A page of documents ends before it holds more bytes than this (one document always fits).
    public static let documentBytesPerPage = 16 << 20

    private let pool: PostgresPool

    public init(pool: PostgresPool) { self.pool = pool }

    /// The twin with its document; nil where there is none or it was deleted. One that is only registered has revision 0 and no
    /// document.
    public func twin(_ thing: ThingID) async throws -> StoredTwin? {
        let id = thing.text
        // One statement is a snapshot of its own: a transaction around it would be two more round trips.
        return try await pool.run { connection in
            let rows = try connection.query(
                """
                select asked.thing_id, twin.definition, coalesce(twin.revision, 0), twin.created, twin.modified, twin.document,
                    registration.twin_type
                from (select $1::text collate "C" as thing_id) asked
                left join egiz.twin on twin.thing_id = asked.thing_id and not twin.deleted
                left join egiz.twin_registration registration on registration.thing_id = asked.thing_id
                where twin.thing_id is not null or registration.thing_id is not null
                """, [.text(id)])
            return rows.first.map { Self.twin($0, documentColumn: 5, typeColumn: 6) }
        }
    }

    /// Up to `limit` twins after `after` (exclusive) that exist.
    public func page(_ filter: Filter, after: String?, limit: Int, documents: Bool) async throws -> Page {
        if filter.scope.isEmpty { return Page(twins: [], hasMore: false) }
        return try await pool.read { connection in
            let (sql, parameters) = Self.statement(filter, after: after, limit: limit, documents: documents)
            let rows = try connection.query(sql, parameters)
            let twins = rows.prefix(limit).map { Self.twin($0, documentColumn: documents ? 5 : nil, typeColumn: 6) }
            let found = rows.first?.int64(7) ?? 0
            return Page(twins: twins, hasMore: found > Int64(twins.count))
        }
    }

    /// One more row than asked for is looked at, to know whether there is a next page; conditions that are not asked for
    /// are left out of the text, so that each form gets a plan that uses its index. Twins that are only registered stand beside the
    /// others as if their device had told nothing; they are looked for no further than the page of the others goes, or each page would
    /// read all registrations where all of them speak.
    static func statement(
        _ filter: Filter, after: String?, limit: Int, documents: Bool
    ) -> (String, [PostgresValue]) {
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        let condition = Self.condition(filter, after: after, &parameters)
        if filter.scope != .all { parameters.append(filter.scope.parameter) }
        let columns = """
            twin.thing_id, twin.definition, twin.revision, twin.created, twin.modified, twin.document, registration.twin_type
            """
        let known = filter.scope.select(
            columns,
            from: """
                egiz.twin left join egiz.twin_registration registration on registration.thing_id = twin.thing_id
                """, thing: "twin.thing_id", where: "not twin.deleted and \(condition)", order: "twin.thing_id",
            limit: "$1", at: parameters.count)
        let registered = filter.scope.select(
            columns,
            from: """
                egiz.twin_registration registration
                cross join lateral (select registration.thing_id, registration.namespace, null::text as definition,
                    0::bigint as revision, null::timestamptz as created, null::timestamptz as modified,
                    null::json as document) twin
                """, thing: "registration.thing_id",
            where: """
                not exists (
                    select from egiz.twin known where known.thing_id = registration.thing_id and not known.deleted)
                and registration.thing_id <= coalesce(
                    (select last from edge), (select max(thing_id) from egiz.twin_registration))
                and \(condition)
                """, order: "registration.thing_id", limit: "$1", at: parameters.count)
        let page = """
            with told as materialized (select * from (\(known)) part order by thing_id limit $1),
            edge as (select case when count(*) >= $1 then max(thing_id) end as last from told)
            select * from told union all \(registered) order by 1 limit $1
            """
        let names = "thing_id, definition, revision, created, modified"
        guard documents else {
            return (
                "select \(names), null, twin_type, count(*) over () from (\(page)) page order by thing_id", parameters
            )
        }
        return (
            """
            select \(names), document, twin_type, found
            from (
                select *, count(*) over () as found,
                    sum(coalesce(octet_length(document::text), 0)) over (order by thing_id)
                        - coalesce(octet_length(document::text), 0) as before
                from (\(page)) page
            ) sized
            where before < \(documentBytesPerPage) order by thing_id
            """, parameters
        )
    }

    /// The series of one path of the things that a filter finds, ascending by thing, up to one more than `limit`.
    static func seriesStatement(_ filter: Filter, path: String, limit: Int) -> (String, [PostgresValue]) {
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1), .text(path)]
        let condition = Self.condition(filter, after: nil, &parameters)
        if filter.scope != .all { parameters.append(filter.scope.parameter) }
        let found = filter.scope.select(
            "twin.thing_id, series.series_id",
            from: """
                egiz.twin join egiz.series on series.thing_id = twin.thing_id and series.path = $2
                left join egiz.twin_registration registration on registration.thing_id = twin.thing_id
                """, thing: "twin.thing_id", where: "not twin.deleted and \(condition)", order: "twin.thing_id",
            limit: "$1", at: parameters.count)
        return ("select * from (\(found)) found order by thing_id limit $1", parameters)
    }

    /// What a filter asks of `twin` and `registration`, beside the scope.
    private static func condition(_ filter: Filter, after: String?, _ parameters: inout [PostgresValue]) -> String {
        var conditions = ["true"]
        for (column, value) in [
            ("namespace =", filter.namespace), ("definition =", filter.definition), ("thing_id >", after),
        ] {
            guard let value else { continue }
            parameters.append(.text(value))
            conditions.append("twin.\(column) $\(parameters.count)")
        }
        if let condition = filter.condition {
            var sql = TwinFilterSQL(after: parameters)
            conditions.append(sql.condition(condition))
            parameters = sql.parameters
        }
        return conditions.joined(separator: " and ")
    }

    private static func twin(_ row: PostgresRow, documentColumn: Int?, typeColumn: Int) -> StoredTwin {
        StoredTwin(
            thing: row.text(0) ?? "", definition: row.text(1), revision: row.int64(2) ?? 0,
            created: row.timestamp(3).map(EventTime.init(microseconds:)),
            modified: row.timestamp(4).map(EventTime.init(microseconds:)),
            document: documentColumn.flatMap { row.bytes($0) }, registeredType: row.text(typeColumn))
    }
}
