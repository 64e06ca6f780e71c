import EgizCore
public import EgizTwin

/// Reads twins. Safe from any thread; errors are those of `PostgresPool.run`.
public struct TwinQueries: Sendable {
    public struct Filter: Sendable, Equatable {
        public var namespace: String?
        public var definition: String?

        public init(namespace: String? = nil, definition: String? = nil) {
            self.namespace = namespace
            self.definition = definition
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

    /// The twin with its document; nil where there is none or it was deleted.
    public func twin(_ thing: ThingID) async throws -> StoredTwin? {
        let id = thing.text
        // One statement is a snapshot of its own: a transaction around it would be two more round trips.
        return try await pool.run { connection in
            let rows = try connection.query(
                """
                select thing_id, definition, revision, created, modified, document
                from egiz.twin where thing_id = $1 and not deleted
                """, [.text(id)])
            return rows.first.map { Self.twin($0, documentColumn: 5) }
        }
    }

    /// Up to `limit` twins after `after` (exclusive) that exist.
    public func page(_ filter: Filter, after: String?, limit: Int, documents: Bool) async throws -> Page {
        try await pool.read { connection in
            let (sql, parameters) = Self.statement(filter, after: after, limit: limit, documents: documents)
            let rows = try connection.query(sql, parameters)
            let twins = rows.prefix(limit).map { Self.twin($0, documentColumn: documents ? 5 : nil) }
            let found = rows.first?.int64(6) ?? 0
            return Page(twins: twins, hasMore: found > Int64(twins.count))
        }
    }

    /// One more row than asked for is looked at, to know whether there is a next page; conditions that are not asked for
    /// are left out of the text, so that each form gets a plan that uses its index.
    private static func statement(
        _ filter: Filter, after: String?, limit: Int, documents: Bool
    ) -> (String, [PostgresValue]) {
        var conditions = ["not deleted"]
        var parameters: [PostgresValue] = [.int64(Int64(limit) + 1)]
        for (column, value) in [
            ("namespace =", filter.namespace), ("definition =", filter.definition), ("thing_id >", after),
        ] {
            guard let value else { continue }
            parameters.append(.text(value))
            conditions.append("\(column) $\(parameters.count)")
        }
        let page = """
            select thing_id, definition, revision, created, modified, document from egiz.twin
            where \(conditions.joined(separator: " and ")) order by thing_id limit $1
            """
        guard documents else {
            return (
                """
                select thing_id, definition, revision, created, modified, null, count(*) over ()
                from (\(page)) page order by thing_id
                """, parameters
            )
        }
        return (
            """
            select thing_id, definition, revision, created, modified, document, found
            from (
                select *, count(*) over () as found,
                    sum(octet_length(document::text)) over (order by thing_id) - octet_length(document::text) as before
                from (\(page)) page
            ) sized
            where before < \(documentBytesPerPage) order by thing_id
            """, parameters
        )
    }

    private static func twin(_ row: PostgresRow, documentColumn: Int?) -> StoredTwin {
        StoredTwin(
            thing: row.text(0) ?? "", definition: row.text(1), revision: row.int64(2) ?? 0,
            created: row.timestamp(3).map(EventTime.init(microseconds:)),
            modified: row.timestamp(4).map(EventTime.init(microseconds:)),
            document: documentColumn.flatMap { row.bytes($0) })
    }
}
