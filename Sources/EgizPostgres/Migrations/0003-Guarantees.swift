extension Migration {
    /// Keyed state, timers, outboxes, rollups, parking and redriving. Only adds: a worker of the version before goes on while it
    /// is applied and after it (`dead_letter` is rewritten once, because each row gets its number).
    static let guarantees = Migration(
        version: 3, name: "guarantees",
        sql: """
            alter table egiz.task add column transactional_id text;
            comment on column egiz.task.transactional_id is 'Under which the owner publishes; null once released cleanly.';

            create table egiz.state (
                stage text collate "C" not null,
                processor text collate "C" not null,
                thing_id text collate "C" not null,
                partition int not null,
                value bytea not null,
                updated_at timestamptz not null default clock_timestamp(),
                primary key (stage, processor, thing_id)
            ) with (fillfactor = 80);
            -- It comes compressed.
            alter table egiz.state alter column value set storage external;
            comment on table egiz.state is 'What processors remember of things: framed snapshots, written in the transaction of the epoch.';
            comment on column egiz.state.partition is 'With stage: the task that owns the thing.';
            comment on column egiz.state.value is 'Frame version, flags, state version, length, CRC-32 and the snapshot, in LZ4 where that is smaller.';

            create table egiz.timer (
                stage text collate "C" not null,
                partition int not null,
                due timestamptz not null,
                processor text collate "C" not null,
                thing_id text collate "C" not null,
                primary key (stage, partition, due, processor, thing_id)
            );
            comment on table egiz.timer is 'Moments of stream time at which processors want to be called; the key is the order in which they fire.';

            create table egiz.outbox (
                stage text collate "C" not null,
                partition int not null,
                epoch bigint not null,
                incarnation int not null,
                records int not null,
                bytes int not null,
                body bytea not null,
                created_at timestamptz not null default clock_timestamp(),
                primary key (stage, partition, epoch)
            );
            alter table egiz.outbox alter column body set storage external;
            comment on table egiz.outbox is 'What epochs emitted, until Kafka has it.';
            comment on column egiz.outbox.bytes is 'Of the records, before compression.';

            create table egiz.dead_output (
                dead_output_id bigint generated always as identity primary key,
                stage text collate "C" not null,
                partition int not null,
                epoch bigint not null,
                egiz_id text not null,
                topic text collate "C" not null,
                key bytea,
                value bytea,
                headers json not null default '[]',
                code text not null,
                message text not null,
                noted_at timestamptz not null default clock_timestamp(),
                unique (egiz_id)
            );
            comment on table egiz.dead_output is 'Emitted records that Kafka refuses for ever, whole, with why.';

            create table egiz.rollup (
                stage text collate "C" not null,
                partition int not null,
                processor text collate "C" not null,
                thing_id text collate "C" not null,
                path text collate "C" not null,
                bucket_start timestamptz not null,
                bucket_end timestamptz not null,
                n bigint not null,
                minimum float8 not null,
                maximum float8 not null,
                total float8 not null,
                first float8 not null,
                last float8 not null,
                first_time timestamptz not null,
                last_time timestamptz not null,
                final boolean not null,
                updated_at timestamptz not null default clock_timestamp(),
                primary key (thing_id, path, processor, stage, bucket_start)
            ) with (fillfactor = 80);
            comment on table egiz.rollup is 'Numbers of one path of one thing in one window, bucket_start <= event time < bucket_end.';
            comment on column egiz.rollup.final is 'Stream time has passed the window and its grace: it changes no more.';

            create view egiz.rollups as
                select stage.topology, stage.source, rollup.processor, rollup.thing_id, rollup.path, rollup.bucket_start,
                    rollup.bucket_end, rollup.n, rollup.minimum, rollup.maximum, rollup.total,
                    rollup.total / nullif(rollup.n, 0) as average, rollup.first, rollup.last, rollup.first_time,
                    rollup.last_time, rollup.final
                from egiz.rollup join egiz.stage on stage.stage = rollup.stage;
            comment on view egiz.rollups is 'All windows, with their average.';

            alter table egiz.dead_letter
                add column dead_letter_id bigint generated always as identity,
                add column disposition text not null default 'dead' check (disposition in ('dead', 'parked')),
                add column attempts int not null default 1,
                add column edited_value bytea,
                add column edited_at timestamptz,
                add column edited_by text,
                add unique (dead_letter_id);
            create index dead_letter_by_task on egiz.dead_letter (stage, partition, dead_letter_id);
            create index dead_letter_parked on egiz.dead_letter (stage, partition, thing_id) where disposition = 'parked';
            comment on column egiz.dead_letter.dead_letter_id is 'Rises in the order in which the letters of a task were written: the order of redriving.';
            comment on column egiz.dead_letter.disposition is 'parked: later records of its thing queue behind it.';
            comment on column egiz.dead_letter.attempts is '0: it was never tried, it only queues behind another of its thing.';
            comment on column egiz.dead_letter.edited_value is 'Counts where edited_at is set; null is a tombstone then.';

            create table egiz.redrive (
                request_id bigint generated always as identity primary key,
                stage text collate "C" not null,
                partition int not null,
                action text not null check (action in ('retry', 'discard')),
                thing_id text collate "C",
                letters bigint[],
                upto bigint,
                rate int check (rate > 0),
                requested_by text,
                requested_at timestamptz not null default clock_timestamp(),
                through bigint not null default 0,
                resolved int not null default 0,
                failed int not null default 0,
                state text not null default 'open' check (state in ('open', 'done')),
                finished_at timestamptz,
                message text
            );
            create index redrive_open on egiz.redrive (stage, partition, request_id) where state = 'open';
            comment on table egiz.redrive is 'Requests to process dead letters again, one a task; the owner of the task serves them, the oldest first.';
            comment on column egiz.redrive.thing_id is 'All parked letters of this thing, also those that queue up meanwhile.';
            comment on column egiz.redrive.letters is 'These letters. Without thing and letters: all of the task up to upto.';
            comment on column egiz.redrive.through is 'The highest dead_letter_id that was looked at.';

            create table egiz.erasure (
                erasure_id bigint generated always as identity primary key,
                thing_sha256 text not null,
                erased_at timestamptz not null default clock_timestamp(),
                erased_by text,
                counts jsonb not null
            );
            comment on table egiz.erasure is 'Things that were erased everywhere. Of the id only its SHA-256 is kept, in hex of the UTF-8 bytes.';

            do $$
            begin
                if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
                    alter table egiz.dead_letter alter column edited_value set compression lz4;
                    alter table egiz.dead_output alter column value set compression lz4;
                end if;
            end $$;
            """)
}
