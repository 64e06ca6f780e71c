extension Migration {
    /// Which alert a message of a person is about, and which processor set a property of a scene. Only adds: programs of the version
    /// before go on without.
    static let ruleMends = Migration(
        version: 10, name: "rule-mends",
        sql: """
            alter table egiz.inbox add column raised_at timestamptz;
            comment on column egiz.inbox.raised_at is 'When the alert was raised that is meant; null: whichever has the key.';
            alter table egiz.scene add column processor text collate "C";
            comment on column egiz.scene.processor is 'That set the property last; null where a version before 0010 did.';
            """)
}
