"""The samples of segments and blocks, looked at row by row: the view would hide what stands there twice."""

import json

from chaos.fold import json_text
from chaos.fold.leaves import ABSENT
from chaos.projections import binary_array
from chaos.projections.outcome import Outcome
from chaos.projections.projection import Projection

# Segments, and each series' part of each block in the same columns. The compactor is kept from working here: it would hide as well.
# Blocks are taken apart once for all tasks: they have no index that leads from a series to its samples.
TABLE = "chaos_segment"
PREPARE = f"""
create unlogged table {TABLE} as select * from (
    select series_id, seq, kind, n, times, numbers, texts from egiz.history_segment
    union all
    select (series_group << 8) + member, seq, kind, count(*)::int, array_agg(time order by time),
        case when kind in (1, 3) then array_agg(number order by time) end,
        case when count(text) > 0 then array_agg(text order by time) end
    from (
        select block.series_group, block.seq, block.part, block.kind, item.member, item.number, item.text,
            block.t_first + item.lag * block.unit::int8 * interval '1 microsecond' as time
        from egiz.history_block block,
            unnest(block.members, block.lags, block.numbers, block.texts) as item (member, lag, number, text)
    ) samples
    group by series_group, seq, part, kind, member
) segment;
create index on {TABLE} (series_id, seq);
analyze {TABLE}"""

NUMBER, TEXT, BOOLEAN, JSON, NULL, ABSENT_KIND = range(1, 7)


class History(Projection):
    name = "history"

    def prepare(self, database):
        database.execute(f"drop table if exists {TABLE}")
        database.execute(PREPARE)

    def expected(self, fold, task):
        return fold.series

    def actual(self, database, task):
        """Rows (thing, path, kind, times, numbers, texts), for each series in the order of seq: the higher one wins."""
        with database.cursor(name="history", binary=True) as cursor:
            cursor.itersize = 5000
            cursor.execute(
                f"""
                select series.thing_id, series.path, segment.kind::int, segment.n, segment.times, segment.numbers,
                    segment.texts
                from egiz.twin twin
                join egiz.series series on series.thing_id = twin.thing_id
                join {TABLE} segment on segment.series_id = series.series_id
                where twin.stage = %s and twin.partition = %s
                order by series.series_id, segment.seq
                """,
                (task.stage, task.partition))
            yield from cursor

    def compare(self, expected, actual):
        outcome = Outcome()
        seen, name, stored = set(), None, None
        for thing, path, kind, count, times, numbers, texts in actual:
            if (thing, path) != name:
                if name is not None:
                    self._series(name, expected.get(name), stored, outcome)
                name, stored = (thing, path), {}
                seen.add(name)
            times = binary_array.eights(times, "q")
            if len(times) != count:
                outcome.lose(abs(len(times) - count), f"{name}: a segment says n = {count} and has {len(times)} times")
            numbers, texts = binary_array.eights(numbers, "d"), binary_array.texts(texts)
            for index, time in enumerate(times):
                before = stored.get(time)
                stored[time] = (
                    1 if before is None else before[0] + 1, kind,
                    numbers[index] if numbers else None, texts[index] if texts else None)
        if name is not None:
            self._series(name, expected.get(name), stored, outcome)
        for name in expected.keys() - seen:
            outcome.checked += len(expected[name])
            outcome.lose(len(expected[name]), f"series {name} is missing with {len(expected[name])} samples")
        return outcome

    def strays(self, database):
        count = database.execute(
            f"""
            select coalesce(sum(n), 0)::bigint from {TABLE} segment
            where not exists (select from egiz.series join egiz.twin using (thing_id)
                where series.series_id = segment.series_id)
            """).fetchone()[0]
        outcome = Outcome()
        if count:
            outcome.double(count, f"{count} samples of things that have no twin")
        return outcome

    def _series(self, name, samples, stored, outcome):
        if samples is None:
            outcome.double(len(stored), f"series {name} is not in the log")
            return
        outcome.checked += len(samples)
        wanted = {}
        for time, value, _, offset in samples:
            time -= binary_array.TO_1970
            before = wanted.get(time)
            wanted[time] = (1 if before is None else before[0] + 1, value, offset)
        for time, (count, value, offset) in wanted.items():
            found = stored.get(time)
            if found is None:
                outcome.lose(1, f"{name} at {_moment(time)}, offset {offset}: no sample")
            elif found[0] > count:
                outcome.double(
                    found[0] - count, f"{name} at {_moment(time)}, offset {offset}: {found[0]} samples of {count}")
            elif not _holds(value, *found[1:]):
                outcome.lose(1, f"{name} at {_moment(time)}, offset {offset}: {found[1:]} instead of {value!r}")
        if len(stored) > len(wanted):
            for time in stored.keys() - wanted.keys():
                outcome.double(stored[time][0], f"{name} at {_moment(time)}: not in the log")


def _moment(time):
    return f"{(time + binary_array.TO_1970) / 1e6:.6f}"


def _holds(value, kind, number, text):
    """Whether a stored sample says the same as a value of the log (rule 25)."""
    if value is ABSENT:
        return kind == ABSENT_KIND
    if value is None:
        return kind == NULL
    if isinstance(value, bool):
        return kind == BOOLEAN and number == (1.0 if value else 0.0)
    if isinstance(value, (int, float)):
        if kind != NUMBER or number != float(value):
            return False
        return int(text) == value if text is not None and isinstance(value, int) else float(value) == value
    if isinstance(value, str) and "\0" not in value:
        return kind == TEXT and text == value
    return kind == JSON and json_text.same(json.loads(text), value)
