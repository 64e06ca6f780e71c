"""When a machine really was ill, read from what the model never sees: error codes, phases, counters."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Seconds of running before an error 42 in which the clog may be growing: alarms there are early, not false.
GROWTH = 240.0
#: Seconds after a repair in which the twin still shows the last bottles of the ill machine: the first cycle lasts 8 s.
STALE = 15.0
#: Slack for reports that come by turns.
REPORT = 2.0


@dataclass
class Failure:
    """Seconds: first underfilled bottles weighed, machine stopped with error 42, machine running again; and the nozzle."""

    first_reject: float
    stopped: float
    repaired: float
    nozzle: int | None


@dataclass
class Witness:
    """Follows the telemetry of one machine."""

    failures: list[Failure] = field(default_factory=list)
    #: Standing for other reasons, as (from, until).
    stands: list[tuple[float, float]] = field(default_factory=list)
    _phase: str | None = None
    _code: int = 0
    _since: float = 0.0
    _blocked: int | None = None
    _cycles: list[float] = field(default_factory=list)

    def take(self, time: float, feature: str, properties: dict[str, Any]) -> None:
        if feature == "nozzles":
            self._blocked = properties.get("blocked") or self._blocked
        if feature != "filler":
            return
        phase, code = properties.get("phase", self._phase), properties.get("errorCode", self._code)
        if self._phase == "ejecting" and phase != "ejecting":
            self._cycles.append(time)
        if code != self._code:
            if self._code:
                self._ended(time)
            self._code, self._since = code, time
        self._phase = phase

    #: The end of the run.
    end: float = 0.0

    def finish(self, time: float) -> None:
        """The end of the run ends what lasts."""
        self.end = time
        if self._code:
            self._ended(time)
            self._code = 0

    def _ended(self, time: float) -> None:
        if self._code == 42:
            # Three cycles with underfilled bottles stop the machine: the third ended where it stopped.
            before = [cycle for cycle in self._cycles if cycle <= self._since + REPORT][-3:]
            self.failures.append(Failure(before[0] if before else self._since, self._since, time, self._blocked))
            self._blocked = None
        else:
            self.stands.append((self._since, time))


def growth_start(failure: Failure, stands: list[tuple[float, float]]) -> float:
    """Seconds from where on the clog may have been there; a clog keeps growing while the machine stands."""
    start = failure.first_reject - GROWTH
    for since, until in reversed(stands):
        if since < failure.first_reject and until > start:
            start = min(start, since - GROWTH)
    return start


def masks(times: np.ndarray, witness: Witness) -> tuple[np.ndarray, np.ndarray]:
    """(ill, healthy) for each time; what is neither is a growing clog or the twin's stale memory of a repaired one."""
    ill = np.zeros(len(times), bool)
    # A clog that grows when the run ends has no failure to tell of it.
    healthy = times < witness.end - GROWTH
    for failure in witness.failures:
        # Judged from when the weighing was told, so that reporting delay is no miss; delays are measured apart.
        ill |= (times >= failure.first_reject + REPORT) & (times < failure.repaired)
        healthy &= (times < growth_start(failure, witness.stands)) | (times >= failure.repaired + STALE)
    return ill, healthy
