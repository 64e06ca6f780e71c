extension Migration {
    /// Series and segments; a hypertable where TimescaleDB is installed, native range partitions elsewhere. Both have intervals of
    /// seven days counted from 1970-01-01 (`HistoryInterval`).
    static let history = Migration(
        version: 2, name: "history",
        sql: """
            create table egiz.series (
                series_id bigint generated always as identity primary key,
                thing_id text collate "C" not null,
                path text collate "C" not null,
                created_at timestamptz not null default clock_timestamp(),
                unique (thing_id, path)
            );
            comment on table egiz.series is 'All samples of one path of one thing.';

            create sequence egiz.history_seq;
            comment on sequence egiz.history_seq is 'One value an epoch: of two samples of one time the higher seq wins.';

            do $$
            declare
                columns constant text := '
                    series_id bigint not null,
                    t_first timestamptz not null,
                    t_last timestamptz not null,
                    seq bigint not null,
                    n int not null,
                    kind smallint not null,
                    times timestamptz[] not null,
                    numbers float8[],
                    texts text[],
                    primary key (series_id, t_first, seq)';
                part text;
            begin
                if exists (select from pg_extension where extname = 'timescaledb') then
                    execute 'create table egiz.history_segment (' || columns || ')';
                    execute 'select create_hypertable(''egiz.history_segment'', ''t_first'', '
                        'chunk_time_interval => interval ''7 days'', create_default_indexes => false)';
                else
                    execute 'create table egiz.history_segment (' || columns || ') partition by range (t_first)';
                end if;
                -- Only servers built with lz4 know it; pglz stays elsewhere.
                if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
                    foreach part in array array['times', 'numbers', 'texts'] loop
                        execute format('alter table egiz.history_segment alter column %I set compression lz4', part);
                    end loop;
                    alter table egiz.twin alter column document set compression lz4;
                    alter table egiz.dead_letter alter column value set compression lz4;
                end if;
            end $$;
            comment on table egiz.history_segment is 'Samples in columns. Times ascend strictly; a segment spans at most a day and lies in one interval of seven days.';
            comment on column egiz.history_segment.kind is '1 number, 2 text, 3 boolean (0 and 1 in numbers), 4 json (in texts), 5 null, 6 absent.';

            create view egiz.history as
                select sample.thing_id, sample.path, sample.time,
                    (array['number', 'text', 'boolean', 'json', 'null', 'absent'])[sample.kind] as kind,
                    case sample.kind when 1 then sample.number end as number,
                    case when sample.kind <= 2 then sample.text end as text,
                    case sample.kind when 3 then sample.number <> 0 end as "boolean",
                    case sample.kind when 4 then sample.text::json end as json
                from (
                    select distinct on (series.thing_id, series.path, item.time)
                        series.thing_id, series.path, item.time, segment.kind, item.number, item.text
                    from egiz.series
                    join egiz.history_segment segment on segment.series_id = series.series_id
                    cross join lateral unnest(segment.times, segment.numbers, segment.texts) as item (time, number, text)
                    order by series.thing_id, series.path, item.time, segment.seq desc
                ) sample;
            comment on view egiz.history is 'All samples. For a stretch of time use egiz.history(thing, path, from, to), which reads only the partitions it needs.';

            -- Inlined into the query that calls it: one select, stable, not strict, no settings of its own.
            create function egiz.history(thing text, path text, "from" timestamptz, "to" timestamptz)
            returns setof egiz.history language sql stable parallel safe as $$
                select sample.thing_id, sample.path, sample.time,
                    (array['number', 'text', 'boolean', 'json', 'null', 'absent'])[sample.kind],
                    case sample.kind when 1 then sample.number end,
                    case when sample.kind <= 2 then sample.text end,
                    case sample.kind when 3 then sample.number <> 0 end,
                    case sample.kind when 4 then sample.text::json end
                from (
                    select distinct on (item.time)
                        series.thing_id, series.path, item.time, segment.kind, item.number, item.text
                    from egiz.series
                    join egiz.history_segment segment on segment.series_id = series.series_id
                    cross join lateral unnest(segment.times, segment.numbers, segment.texts) as item (time, number, text)
                    where series.thing_id = $1 and series.path = $2
                        and segment.t_first >= $3 - interval '24 hours' and segment.t_first < $4 and segment.t_last >= $3
                        and item.time >= $3 and item.time < $4
                    order by item.time, segment.seq desc
                ) sample
            $$;
            comment on function egiz.history is 'The samples of one series with from <= time < to. number and text agree for integers that float8 cannot hold: text has the exact literal.';
            """)
}
