extension Migration {
    /// Wide blocks, the compacted form, retention classes. Only adds: a worker of the version before goes on writing segments,
    /// which all readers of this version see; readers of the version before do not see what is compacted.
    static let historyForms = Migration(
        version: 6, name: "history-forms",
        sql: """
            create table egiz.history_block (
                series_group bigint not null,
                t_first timestamptz not null,
                t_last timestamptz not null,
                seq bigint not null,
                part int not null,
                kind smallint not null,
                n int not null,
                unit int not null,
                members smallint[] not null,
                lags int[] not null,
                numbers float8[],
                texts text[],
                primary key (series_group, t_first, seq, part)
            );
            -- They live for minutes and fit a page: whoever looks for one series reads many of them and wants no detour by TOAST.
            alter table egiz.history_block
                alter column members set storage plain, alter column lags set storage plain,
                alter column numbers set storage plain;
            comment on table egiz.history_block is 'Samples of many series of one epoch, in columns, until they are compacted. A block spans less than a day.';
            comment on column egiz.history_block.series_group is 'series_id >> 8 of all its samples; members are series_id & 255, ascending.';
            comment on column egiz.history_block.lags is 'time - t_first, in units of so many microseconds.';

            create table egiz.history_class (
                retention int primary key check (retention >= 0),
                horizon timestamptz,
                expired bigint not null default 0
            );
            insert into egiz.history_class (retention) values (0);
            comment on table egiz.history_class is 'Retention classes of history, by days; 0 keeps for ever.';
            comment on column egiz.history_class.horizon is 'Samples before it are refused and dropped; it only rises.';
            comment on column egiz.history_class.expired is 'Samples that came when their time was already behind the horizon.';

            alter table egiz.series add column retention int not null default 0;
            comment on column egiz.series.retention is 'The class that its samples are compacted into.';

            -- Native partitions also where TimescaleDB is installed: a class is dropped as a whole week or day.
            create table egiz.history_packed (
                series_id bigint not null,
                t_first timestamptz not null,
                t_last timestamptz not null,
                seq bigint not null,
                step bigint not null,
                base bigint,
                scale float8,
                minimum float8,
                maximum float8,
                total float8,
                first float8,
                last float8,
                integral float8,
                retention int not null,
                n int not null,
                unit int not null,
                kind smallint not null,
                lags2 smallint[],
                lags4 int[],
                times timestamptz[],
                low2 smallint[],
                low4 int[],
                middle smallint[],
                high "char"[],
                numbers float8[],
                texts text[],
                primary key (series_id, t_first, kind, retention)
            ) partition by list (retention);
            create table egiz.history_packed_0 partition of egiz.history_packed for values in (0) partition by range (t_first);
            comment on table egiz.history_packed is 'Compacted samples of one series and kind. Times ascend strictly, no two rows of a series share one.';
            comment on column egiz.history_packed.step is 'Sample i (from 0) lies at t_first + i * step + lag * unit microseconds, where times has nothing.';
            comment on column egiz.history_packed.base is 'Sample i is (base + low + (middle << 32) + (high << 48)) / scale, where numbers has nothing.';
            comment on column egiz.history_packed.integral is 'Of a value that holds until the next sample, from t_first to t_last, in value times seconds.';
            do $$
            begin
                if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
                    alter table egiz.history_packed
                        alter column lags4 set compression lz4, alter column times set compression lz4,
                        alter column low2 set compression lz4, alter column low4 set compression lz4,
                        alter column middle set compression lz4, alter column numbers set compression lz4,
                        alter column texts set compression lz4;
                end if;
            end $$;

            create or replace view egiz.history as
                select sample.thing_id, sample.path, sample.time,
                    (array['number', 'text', 'boolean', 'json', 'null', 'absent'])[sample.kind] as kind,
                    case sample.kind when 1 then sample.number end as number,
                    case when sample.kind <= 2 then sample.text end as text,
                    case sample.kind when 3 then sample.number <> 0 end as "boolean",
                    case sample.kind when 4 then sample.text::json end as json
                from (
                    select distinct on (form.thing_id, form.path, form.time)
                        form.thing_id, form.path, form.time, form.kind, form.number, form.text
                    from (
                        \(HistoryForms.samples(columns: "series.thing_id, series.path, ", where: "true"))
                    ) form
                    order by form.thing_id, form.path, form.time, form.seq desc
                ) sample;

            create or replace function egiz.history(thing text, path text, "from" timestamptz, "to" timestamptz)
            returns setof egiz.history language sql stable parallel safe as $$
                select $1, $2, sample.time,
                    (array['number', 'text', 'boolean', 'json', 'null', 'absent'])[sample.kind],
                    case sample.kind when 1 then sample.number end,
                    case when sample.kind <= 2 then sample.text end,
                    case sample.kind when 3 then sample.number <> 0 end,
                    case sample.kind when 4 then sample.text::json end
                from (
                    select distinct on (form.time) form.time, form.kind, form.number, form.text
                    from (
                        \(HistoryForms.samples(
                            columns: "",
                            where: """
                                series.thing_id = $1 and series.path = $2
                                and form.t_first >= $3 - interval '24 hours' and form.t_first < $4 and form.t_last >= $3
                                """))
                    ) form
                    where form.time >= $3 and form.time < $4
                    order by form.time, form.seq desc
                ) sample
            $$;
            """)
}

/// The three forms that samples are stored in, as rows of (time, seq, kind, number, text).
private enum HistoryForms {
    /// `condition` sees `series` and the stored row as `form`.
    static func samples(columns: String, where condition: String) -> String {
        """
        select \(columns)item.time, form.seq, form.kind, item.number, item.text
        from egiz.series
        join egiz.history_segment form on form.series_id = series.series_id
        cross join lateral unnest(form.times, form.numbers, form.texts) as item (time, number, text)
        where \(condition)
        union all
        select \(columns)
            coalesce(item.time, form.t_first + ((item.i - 1) * form.step
                + coalesce(item.lag2, item.lag4, 0) * form.unit::int8) * interval '1 microsecond'),
            form.seq, form.kind,
            coalesce(item.number, (form.base + coalesce(item.low2, item.low4, 0)
                + (coalesce(item.middle, 0)::int8 << 32) + (coalesce(item.high::int, 0)::int8 << 48))::float8 / form.scale),
            item.text
        from egiz.series
        join egiz.history_packed form on form.series_id = series.series_id
        cross join lateral rows from (
            generate_series(1, form.n), unnest(form.lags2), unnest(form.lags4), unnest(form.times), unnest(form.low2),
            unnest(form.low4), unnest(form.middle), unnest(form.high), unnest(form.numbers), unnest(form.texts)
        ) as item (i, lag2, lag4, time, low2, low4, middle, high, number, text)
        where \(condition)
        union all
        select \(columns)form.t_first + form.lags[item.place] * form.unit::int8 * interval '1 microsecond', form.seq, form.kind,
            form.numbers[item.place], form.texts[item.place]
        from egiz.series
        join egiz.history_block form on form.series_group = series.series_id >> 8
        cross join lateral unnest(array_positions(form.members, (series.series_id & 255)::int2)) as item (place)
        where \(condition)
        """
    }
}
