extension Migration {
    /// What a fold of the log must know beside the log (rule 16).
    static let idle = Migration(
        version: 5, name: "idle",
        sql: """
            create table egiz.idle_advance (
                stage text collate "C" not null,
                partition int not null,
                incarnation int not null,
                records bigint not null,
                stream_time timestamptz not null,
                primary key (stage, partition, incarnation, records)
            );
            comment on table egiz.idle_advance is 'Where stream time went on without a record, at the end of the log: after so many records of the task it stood at stream_time. Only of stages in which something waits for time.';
            """)
}
