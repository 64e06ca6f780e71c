"""Turns a simulator run into columns over time, one machine after the other."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from egiz_ml_service.model.features import NAN, vector
from egiz_ml_service.model.steady_flow import passage

from .fan_out import FanOut
from .records import read
from .truth import Witness


@dataclass
class Life:
    """What one machine told. `times` are seconds since the run's first record, `columns` has a row for each."""

    times: np.ndarray
    columns: np.ndarray
    witness: Witness


@dataclass
class _Growing:
    fan_out: FanOut = field(default_factory=FanOut)
    witness: Witness = field(default_factory=Witness)
    times: list[float] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    #: The windows change with the filler's records alone, so their feature is computed then, not for every row: it costs most.
    passage: float = NAN

    def look_at_flow(self) -> None:
        free = passage(list(self.fan_out.raw["flow"]), list(self.fan_out.raw["pressure"]))
        self.passage = NAN if free is None else free

    def row(self) -> list[float] | None:
        """What `vector` makes of the features; None before there is what it requires."""
        if "volumes" not in self.fan_out.last:
            return None
        return [*vector(self.fan_out.last)[:-1], self.passage]


def lives(lines: Iterable[str]) -> dict[int, Life]:
    """By number of the machine. One row for each record, as the task's trigger says: what the service would be asked."""
    growing: dict[int, _Growing] = {}
    start: float | None = None
    for told in read(lines):
        start = told.time if start is None else start
        time = told.time - start
        life = growing.setdefault(int(told.machine.rsplit("-", 1)[1]), _Growing())
        for feature, properties in told.features.items():
            life.fan_out.take(time, feature, properties)
            life.witness.take(time, feature, properties)
        if told.features.keys() & {"filler"}:
            life.look_at_flow()
        if (row := life.row()) is not None:
            life.times.append(time)
            life.rows.append(row)
    for life in growing.values():
        life.witness.finish(time)
    return {
        number: Life(np.array(life.times), np.array(life.rows), life.witness) for number, life in sorted(growing.items())
    }
