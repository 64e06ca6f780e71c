"""From features to columns."""

from math import isnan, sqrt

import pytest
from conftest import well
from egiz_ml_service.model.features import COLUMNS, vector
from egiz_ml_service.model.steady_flow import passage

PRESSURE = [(t / 10, 36.0) for t in range(-120, 1)]


def flow(*stretches, step=0.4):
    """Samples of stretches of (seconds, ml/s), ending now."""
    times, values = [], []
    for seconds, value in stretches:
        for _ in range(round(seconds / step)):
            times.append(len(times) * step)
            values.append(value)
    return [(time - times[-1], value) for time, value in zip(times, values)]


def test_columns_stand_in_their_order():
    columns = dict(zip(COLUMNS, vector(well()), strict=True))
    assert columns["volume3"] == 500.9
    assert (columns["speed"], columns["level"]) == (33.5, 61.0)
    assert columns["passage"] == pytest.approx(581 / sqrt(34.4))


def test_what_is_missing_is_no_evidence():
    assert [isnan(value) for value in vector({"volumes": [1, 2, 3, 4]})] == [False] * 4 + [True] * 3
    assert all(isnan(value) for value in vector({"volumes": []}))
    assert isnan(vector(well(speed=None, pressure=None))[4])
    assert isnan(vector(well(pressure=None))[6])


def test_windows_without_times_are_taken_and_tell_nothing():
    assert isnan(vector(well(flow=[580.0] * 20, pressure=[34.4] * 20))[6])


def test_other_members_are_ignored():
    assert vector(well(status="fault", errorCode=42)) == vector(well())


def test_a_steady_flow_says_what_the_nozzles_let_pass():
    assert passage(flow((3, 0), (3, 580)), PRESSURE) == pytest.approx(580 / 6)


def test_the_newest_steady_stretch_counts():
    assert passage(flow((3, 580), (1, 0), (2, 470)), PRESSURE) == pytest.approx(470 / 6)
    assert passage(flow((3, 580), (1, 0), (1, 470)), PRESSURE) == pytest.approx(580 / 6)
    assert passage(flow((3, 580), (3, 0)), PRESSURE) == pytest.approx(580 / 6)


@pytest.mark.parametrize("step", [0.04, 0.1, 0.4])
def test_the_short_flow_at_the_end_of_a_dose_does_not_count_at_any_rate(step):
    assert passage(flow((3, 580), (0.8, 200), (0.4, 0), step=step), PRESSURE) == pytest.approx(580 / 6)


def test_a_single_sample_is_no_steady_flow():
    assert passage([(-3.0, 580.0), (0.0, 580.0)], PRESSURE) is None
    assert passage([], []) is None


def test_a_sample_of_opening_valves_does_not_lower_the_result():
    # 571 is still within what counts as steady.
    assert passage(flow((2, 0), (0.4, 571), (1.6, 580)), PRESSURE) == pytest.approx(580 / 6)


def test_pressure_from_another_time_does_not_count():
    assert passage(flow((3, 580)), [(-9.0, 20.0)]) is None
    assert passage(flow((3, 580)), [(-9.0, 20.0), (-1.0, 36.0), (-0.5, 0.0)]) == pytest.approx(580 / 6)


def test_two_samples_far_apart_are_no_steady_flow():
    assert passage([(-9.0, 0.0), (-8.0, 0.0), (-3.0, 580.0), (0.0, 580.0)], PRESSURE) is None
