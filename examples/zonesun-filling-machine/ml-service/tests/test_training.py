"""Training: records, the fan-out, the truth, the measure, the fit."""

import json

import numpy as np
import pytest
from egiz_ml_service.model.features import COLUMNS, vector
from training import records
from training.dataset import lives
from training.fan_out import WINDOW, FanOut
from training.measure import alarms, auc
from training.simulator import binary, run
from training.truth import GROWTH, STALE, Failure, Witness, growth_start, masks


def test_ditto_events_and_telemetry_tell_properties():
    def ditto(path, value):
        return records.ditto({"path": path, "value": value})

    assert ditto("/features/filler/properties/flow", 3) == {"filler": {"flow": 3}}
    assert ditto("/features/filler/properties", {"flow": 3}) == {"filler": {"flow": 3}}
    assert ditto("/features/filler", {"properties": {"flow": 3}}) == {"filler": {"flow": 3}}
    assert ditto("/features", {"filler": {"properties": {"flow": 3}}}) == {"filler": {"flow": 3}}
    assert ditto("/", {"features": {"filler": {"properties": {"flow": 3}}}}) == {"filler": {"flow": 3}}
    assert ditto("/attributes/hall", "4") == {}
    line = 'a:b-01|{"thingId":"a:b-01","timestamp":"2026-01-01T00:00:01.500Z","features":{"tank":{"level":7}}}\n'
    (told,) = records.read([line])
    assert (told.machine, told.time % 60, told.features) == ("a:b-01", 1.5, {"tank": {"level": 7}})


def test_the_fan_out_keeps_last_values_and_a_window():
    fan_out = FanOut()
    for second in range(20):
        fan_out.take(float(second), "filler", {"flow": second, "status": "fault", "errorCode": 42})
    fan_out.take(19.5, "nozzles", {"volumes": [1, 2, 3, 4], "blocked": 2})
    features = fan_out.features(20.0)
    assert set(features) == {"volumes", "flow", "pressure"}
    assert features["flow"][0] == [8 - 20, 8]
    assert features["flow"][-1] == [-1.0, 19]
    assert 20 - WINDOW == 8


def machine(*steps) -> tuple[Witness, np.ndarray]:
    """A witness of (time, phase, errorCode), and times a second apart."""
    witness = Witness()
    for time, phase, code in steps:
        witness.take(time, "filler", {"phase": phase, "errorCode": code})
    end = steps[-1][0]
    witness.finish(end)
    return witness, np.arange(0.0, end)


FAILING = [
    (0.0, "filling", 0), (991.0, "ejecting", 0), (992.0, "positioning", 0), (1000.0, "ejecting", 0), (1001.0, "positioning", 0),
    (1009.0, "ejecting", 0), (1010.0, "positioning", 0), (1018.0, "ejecting", 0), (1019.0, "standing", 42),
    (1060.0, "standing", 42), (1100.0, "positioning", 0), (3000.0, "filling", 0),
]  # fmt: skip


def test_a_failure_begins_with_the_first_of_three_rejects():
    witness, times = machine(*FAILING)
    assert witness.failures == [Failure(1001.0, 1019.0, 1100.0, None)]
    ill, healthy = masks(times, witness)
    assert list(times[ill][[0, -1]]) == [1003.0, 1099.0]
    assert not healthy[(times >= 1001 - GROWTH) & (times < 1100 + STALE)].any()
    assert healthy[times < 1001 - GROWTH].all()
    assert not healthy[times >= 3000 - GROWTH].any()


def test_a_clog_that_grew_while_the_machine_stood_is_looked_for_before_that():
    failure = Failure(1000.0, 1019.0, 1100.0, 1)
    assert growth_start(failure, []) == 1000 - GROWTH
    assert growth_start(failure, [(700.0, 900.0)]) == 700 - GROWTH
    assert growth_start(failure, [(100.0, 200.0)]) == 1000 - GROWTH


def test_auc_is_the_chance_that_the_ill_score_higher():
    assert auc(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1
    assert auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 0
    assert auc(np.array([1.0, 1.0]), np.array([1.0])) == 0.5
    random = np.random.default_rng(1)
    negative, positive = random.normal(size=200), random.normal(0.5, size=100)
    pairs = (positive[:, None] > negative[None, :]).mean()
    assert auc(negative, positive) == pytest.approx(pairs)


def test_alarms_a_minute_apart_are_two():
    times = np.arange(0.0, 300.0)
    flagged = np.isin(times, [10, 11, 70, 131, 200])
    assert alarms(times, flagged) == 3
    assert alarms(times, flagged & False) == 0


@pytest.fixture(scope="module")
def told():
    try:
        binary()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return {form: _lines(form) for form in ("telemetry", "ditto")}


def _lines(form: str) -> list[str]:
    with run(form, 7, 1, 0.05) as lines:
        return list(lines)


@pytest.mark.parametrize("form", ["telemetry", "ditto"])
def test_the_columns_of_training_are_those_that_the_service_makes(told, form):
    fan_out, rows = FanOut(), []
    first = None
    for record in records.read(told[form]):
        first = record.time if first is None else first
        for feature, properties in record.features.items():
            fan_out.take(record.time - first, feature, properties)
        features = json.loads(json.dumps(fan_out.features(record.time - first)))
        if "volumes" in features and "filler" in record.features:
            rows.append((record.time - first, vector(features)))
    (life,) = lives(told[form]).values()
    places = np.searchsorted(life.times, [time for time, _ in rows])
    assert len(rows) > 100
    np.testing.assert_allclose(life.columns[places], np.array([row for _, row in rows]), rtol=1e-12, equal_nan=True)


def test_both_formats_tell_the_same_life(told):
    last = {form: next(iter(lives(lines).values())).columns[-1] for form, lines in told.items()}
    np.testing.assert_allclose(last["telemetry"][:4], last["ditto"][:4], atol=3)


def test_the_same_columns_and_seed_give_the_same_weights():
    pytest.importorskip("torch", reason="PyTorch is not installed (requirements-torch.txt)")
    from training import fit

    random = np.random.default_rng(3)
    columns = np.array([500, 500, 500, 500, 33, 60, 99]) + random.normal(size=(400, len(COLUMNS)))
    columns[random.random(columns.shape) < 0.1] = np.nan
    first, second, other = (fit.fit(columns, "x", "1", seed, {}, steps=20) for seed in (1, 1, 2))
    assert first.digest == second.digest != other.digest
    assert first.threshold > 0
