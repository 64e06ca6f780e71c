-- Fills a database of egiz with compacted history, as the compactor leaves it.
-- psql variables: hot (series at 10 Hz, one day), slow (series of a year, 82 samples a day), day (the last day, a date).
\set ON_ERROR_STOP on
set timezone = 'UTC';
set synchronous_commit = off;

insert into egiz.series (thing_id, path)
select 'bench:hot-' || i, '/features/f/properties/v' from generate_series(1, :hot) i
union all
select 'bench:slow-' || i, '/features/f/properties/v' from generate_series(1, :slow) i;

insert into egiz.stage (stage, topology, source, partitions) values ('bench.events', 'bench', 'events', 1);
insert into egiz.task (stage, partition) values ('bench.events', 0);
insert into egiz.twin (thing_id, stage, partition, revision, input_topic, input_partition, input_offset, created, modified, document)
select split.thing_id, 'bench.events', 0, 1, 'twins', 0, 0, now(), now(),
    ('{"thingId":"' || split.thing_id || '","policyId":"' || split.thing_id || '","attributes":{"manufacturer":"Zonesun","serial":"'
        || md5(split.thing_id) || '"},"features":{"f":{"properties":{"v":21.5,"w":7,"state":"running"}}}}')::json
from (select distinct thing_id from egiz.series) split;

-- Partitions of a week, back over the year.
do $$
declare
    start timestamptz;
    name text;
begin
    for start in
        select generate_series('epoch'::timestamptz + floor(extract(epoch from current_setting('bench.day')::timestamptz - interval '366 days') / 604800) * interval '604800 seconds',
            current_setting('bench.day')::timestamptz + interval '1 day', interval '604800 seconds')
    loop
        name := 'history_packed_0_' || to_char(start, 'YYYYMMDD');
        execute format('create table egiz.%I (like egiz.history_packed_0 including all)', name);
        execute format('alter table egiz.history_packed_0 attach partition egiz.%I for values from (%L) to (%L)', name, start, start + interval '604800 seconds');
    end loop;
end $$;

-- A pool of value arrays, decimals of two digits around 20: what a temperature looks like.
create temporary table pool as
select size, pick, values, mini, maxi, tot, fst, lst
from (values (600), (82)) sizes (size), generate_series(0, 199) pick,
lateral (
    select array_agg((round(300 * sin(i / 40.0 + pick)) + round(random() * 20))::int2 order by i) as values
    from generate_series(1, size + 0 * pick) i
) made,
lateral (
    select min(2000 + v) / 100.0 as mini, max(2000 + v) / 100.0 as maxi, sum(2000 + v) / 100.0 as tot from unnest(made.values) v
) stats,
lateral (select (2000 + values[1]) / 100.0 as fst, (2000 + values[size]) / 100.0 as lst) ends;
create unique index on pool (size, pick);
analyze pool;

insert into egiz.history_packed (series_id, t_first, t_last, seq, step, base, scale, minimum, maximum, total, first, last, integral,
    retention, n, unit, kind, low2)
select series_id, start, start + interval '59.9 s', 1, 100000, 2000, 100, mini, maxi, tot, fst, lst, (tot - lst) * 0.1,
    0, 600, 1, 1, values
from egiz.series
cross join lateral generate_series(current_setting('bench.day')::timestamptz, current_setting('bench.day')::timestamptz + interval '1439 minutes', interval '1 minute') with ordinality as t (start, minute)
join pool on size = 600 and pick = (series_id * 7 + minute) % 200
where thing_id like 'bench:hot-%';

insert into egiz.history_packed (series_id, t_first, t_last, seq, step, base, scale, minimum, maximum, total, first, last, integral,
    retention, n, unit, kind, low2)
select series_id, start, start + 81 * interval '1050 s', 1, 1050000000, 2000, 100, mini, maxi, tot, fst, lst, (tot - lst) * 1050,
    0, 82, 1, 1, values
from generate_series(current_setting('bench.day')::timestamptz - interval '364 days', current_setting('bench.day')::timestamptz, interval '1 day') with ordinality as t (start, day)
cross join egiz.series
join pool on size = 82 and pick = (series_id * 7 + day) % 200
where thing_id like 'bench:slow-%';

-- One more hot day as epochs of a second write it: the real compactor makes the compacted form of it.
insert into egiz.series (thing_id, path) values ('bench:raw', '/features/f/properties/v');
do $$
declare name text := 'history_segment_' || to_char('epoch'::timestamptz + floor(extract(epoch from current_setting('bench.day')::timestamptz) / 604800) * interval '604800 seconds', 'YYYYMMDD');
begin
    execute format('create table egiz.%I (like egiz.history_segment including all)', name);
    execute format('alter table egiz.history_segment attach partition egiz.%I for values from (%L) to (%L)', name,
        'epoch'::timestamptz + floor(extract(epoch from current_setting('bench.day')::timestamptz) / 604800) * interval '604800 seconds',
        'epoch'::timestamptz + (floor(extract(epoch from current_setting('bench.day')::timestamptz) / 604800) + 1) * interval '604800 seconds');
end $$;
insert into egiz.history_segment (series_id, t_first, t_last, seq, n, kind, times, numbers)
select series_id, start, start + interval '0.9 s', nextval('egiz.history_seq'), 10, 1,
    array(select start + i * interval '0.1 s' from generate_series(0, 9) i),
    array(select round((20 + 3 * sin(extract(epoch from start)::float8 / 40) + random() * 0.2)::numeric, 2)::float8 from generate_series(0, 9) i)
from egiz.series, generate_series(current_setting('bench.day')::timestamptz, current_setting('bench.day')::timestamptz + interval '86399 seconds', interval '1 second') start
where thing_id = 'bench:raw';
vacuum analyze egiz.history_packed;
vacuum analyze egiz.series;
vacuum analyze egiz.twin;
select sum(n) as samples, count(*) as segments from egiz.history_packed;
