extension Migration {
    /// Dead letters of other systems: which database has them already, and when they are tried again.
    static let letters = Migration(
        version: 9, name: "letters",
        sql: """
            create table egiz.identity (
                singleton boolean primary key default true check (singleton),
                database_id uuid not null default gen_random_uuid()
            );
            insert into egiz.identity default values;
            comment on table egiz.identity is 'One row: what identifies this database in the header egiz-db of dead letters on their way.';

            alter table egiz.dead_letter add column retry_at timestamptz;
            create index dead_letter_retry on egiz.dead_letter (stage, partition, retry_at) where retry_at is not null;
            comment on column egiz.dead_letter.retry_at is 'When, in stream time, the owner of the task tries it again by itself; null: never.';
            """)
}
