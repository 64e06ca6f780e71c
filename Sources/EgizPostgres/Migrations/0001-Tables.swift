extension Migration {
    /// Progress, twins, dead letters and topologies. Ids and paths compare by bytes (`collate "C"`), as everywhere in the engine.
    static let tables = Migration(
        version: 1, name: "tables",
        sql: """
            create table egiz.topology (
                name text collate "C" not null,
                version bigint not null,
                text text not null,
                active boolean not null default true,
                applied_at timestamptz not null default clock_timestamp(),
                primary key (name, version)
            );
            comment on table egiz.topology is 'Every deployed version of every topology file; versions only rise.';

            create table egiz.stage (
                stage text collate "C" primary key,
                topology text collate "C" not null,
                source text collate "C" not null,
                partitions int not null check (partitions > 0),
                created_at timestamptz not null default clock_timestamp()
            );
            comment on table egiz.stage is 'A source with all processors fed by it; its name is its consumer group.';

            create table egiz.task (
                stage text collate "C" not null references egiz.stage,
                partition int not null,
                owner_epoch bigint not null default 0,
                epoch bigint not null default 0,
                incarnation int not null default 1,
                worker_id text,
                worker_host text,
                worker_pid int,
                backend_pid int,
                backend_start timestamptz,
                acquired_at timestamptz,
                released_at timestamptz,
                last_commit_at timestamptz,
                stream_time timestamptz,
                counters jsonb not null default '{}',
                topology_version bigint not null default 0,
                log_cluster_id text,
                log_embedded text,
                primary key (stage, partition)
            ) with (fillfactor = 50);
            comment on table egiz.task is 'One partition of a stage: who owns it and how far it is.';
            comment on column egiz.task.owner_epoch is 'The fence: rises with each takeover; a commit with another value is refused.';
            comment on column egiz.task.epoch is 'Number of the last committed epoch.';
            comment on column egiz.task.incarnation is 'Rises when the log is another one, so that its offsets begin anew.';
            comment on column egiz.task.worker_id is 'Null once released cleanly.';
            comment on column egiz.task.backend_pid is 'With backend_start: the server process that commits for the owner.';

            create table egiz.task_offset (
                stage text collate "C" not null,
                partition int not null,
                topic text collate "C" not null,
                next_offset bigint not null,
                mark_offset bigint,
                mark_time timestamptz,
                mark_crc bigint,
                updated_at timestamptz not null default clock_timestamp(),
                primary key (stage, partition, topic),
                foreign key (stage, partition) references egiz.task
            ) with (fillfactor = 50);
            comment on table egiz.task_offset is 'Where each task goes on; written in the transaction of the epoch.';

            create table egiz.log_gap (
                gap_id bigint generated always as identity primary key,
                stage text collate "C" not null,
                partition int not null,
                topic text collate "C" not null,
                from_offset bigint not null,
                to_offset bigint not null,
                reason text not null,
                log_cluster_id text,
                log_embedded text,
                noted_at timestamptz not null default clock_timestamp()
            );
            comment on table egiz.log_gap is 'Stretches of a log that were not processed, and why.';

            create table egiz.twin (
                thing_id text collate "C" primary key,
                namespace text collate "C" not null generated always as (split_part(thing_id, ':', 1)) stored,
                stage text collate "C" not null,
                partition int not null,
                revision bigint not null,
                deleted boolean not null generated always as (document is null) stored,
                definition text collate "C",
                created timestamptz,
                modified timestamptz,
                event_timestamp text,
                input_topic text collate "C" not null,
                input_partition int not null,
                input_offset bigint not null,
                updated_at timestamptz not null default clock_timestamp(),
                document json
            ) with (fillfactor = 70);
            create index twin_by_namespace on egiz.twin (namespace, thing_id) where not deleted;
            create index twin_by_definition on egiz.twin (definition, thing_id) where not deleted;
            comment on table egiz.twin is 'Each twin as its last event left it. json, not jsonb: number literals, member order and U+0000 stay exact.';
            comment on column egiz.twin.event_timestamp is 'Canonical timestamp of the event that set the state.';

            create table egiz.dead_letter (
                stage text collate "C" not null,
                topic text collate "C" not null,
                partition int not null,
                incarnation int not null,
                "offset" bigint not null,
                record_time timestamptz not null,
                key bytea,
                value bytea,
                headers json not null default '[]',
                code text not null,
                message text not null,
                thing_id text collate "C",
                processor text,
                noted_at timestamptz not null default clock_timestamp(),
                primary key (stage, topic, partition, incarnation, "offset")
            );
            create index dead_letter_by_time on egiz.dead_letter (noted_at);
            comment on table egiz.dead_letter is 'Records that could not be processed, whole, with why.';
            comment on column egiz.dead_letter.headers is 'An array of [name, value in base64 or null], in the order of the record.';
            """)
}
