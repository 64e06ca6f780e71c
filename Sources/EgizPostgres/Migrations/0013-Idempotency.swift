extension Migration {
    /// Answers of POSTs that came with an `Idempotency-Key`.
    static let idempotency = Migration(
        version: 13, name: "idempotency",
        sql: """
            create table egiz.idempotency (
                owner text collate "C" not null,
                path text collate "C" not null,
                key text collate "C" not null,
                digest bytea not null,
                status bigint,
                body bytea,
                etag text,
                location text,
                kept_until timestamptz not null,
                primary key (owner, path, key)
            );
            create index idempotency_kept_until on egiz.idempotency (kept_until);
            comment on table egiz.idempotency is
                'Answers of POSTs with an Idempotency-Key, for 24 hours: a POST that is sent twice happens once.';
            comment on column egiz.idempotency.owner is 'Id of the principal; empty where nobody signed in.';
            comment on column egiz.idempotency.digest is 'SHA-256 of path, query and body: another request may not use the key.';
            """)
}
