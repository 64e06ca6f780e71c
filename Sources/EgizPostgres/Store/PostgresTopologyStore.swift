public import EgizCore

/// The stored versions of topology files. Confined to the thread of its connection.
public struct PostgresTopologyStore {
    public struct Version: Sendable, Equatable {
        public var name: String
        public var version: Int64
        public var text: String
        /// Microseconds since 1970.
        public var appliedAt: Int64
    }

    private let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    /// Stores the text as the topology's newest version, and gives its number; the text that is the newest already keeps it.
    /// A text of an older version is a new version again: versions only rise (rule 21).
    public func save(name: String, text: String) throws(EngineError) -> Int64 {
        try connection.transaction { connection throws(EngineError) in
            try PostgresTopologyStore(connection).saveInTransaction(name: name, text: text, origin: nil)
        }
    }

    /// As `save`, inside a transaction of the caller.
    func saveInTransaction(name: String, text: String, origin: String?) throws(EngineError) -> Int64 {
        try connection.execute("lock table egiz.topology in share row exclusive mode")
        let newest = try connection.query(
            "select version, text = $2 from egiz.topology where name = $1 order by version desc limit 1",
            [.text(name), .text(text)])
        if let row = newest.first, let version = row.int64(0), row.bool(1) == true {
            _ = try connection.query(
                "update egiz.topology set active = true where name = $1 and version = $2 and not active",
                [.text(name), .int64(version)])
            return version
        }
        let version = (newest.first?.int64(0) ?? 0) + 1
        _ = try connection.query("update egiz.topology set active = false where name = $1", [.text(name)])
        _ = try connection.query(
            "insert into egiz.topology (name, version, text, origin) values ($1, $2, $3, $4)",
            [.text(name), .int64(version), .text(text), .optional(origin)])
        return version
    }

    /// The active version of each topology, by name.
    public func list() throws(EngineError) -> [Version] {
        try connection.query(
            "select name, version, text, applied_at from egiz.topology where active order by name, version"
        ).map { row in
            Version(
                name: row.text(0) ?? "", version: row.int64(1) ?? 0, text: row.text(2) ?? "",
                appliedAt: row.timestamp(3) ?? 0)
        }
    }
}
