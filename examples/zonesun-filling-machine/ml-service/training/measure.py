"""What a detector is worth on lives it has not seen."""

from dataclasses import dataclass

import numpy as np

from egiz_ml_service.model.detector import Detector

from .dataset import Life
from .truth import REPORT, Witness, growth_start, masks

#: Seconds without an alarm that part two of them.
APART = 60.0
DAY = 86_400.0


@dataclass
class Measured:
    machine_days: float
    healthy: int
    ill: int
    #: All of the illness; and the time before the machine stopped itself, which is when an alarm is worth something.
    auc: float
    auc_before_stop: float
    failures: int
    #: Failures with an alarm before the machine stopped itself.
    before_stop: int
    #: Seconds from the first underfilled bottles to an alarm; 0 where it had been raised before.
    delays: np.ndarray
    #: Seconds by which the first alarm came before the first underfilled bottle; negative where it came after.
    warnings: np.ndarray
    false_alarms: int
    #: Failures whose nozzle was named rightly when the machine stopped.
    named: int

    @property
    def false_alarms_a_day(self) -> float:
        return self.false_alarms / self.machine_days


def auc(negative: np.ndarray, positive: np.ndarray) -> float:
    """Chance that an ill row scores higher than a healthy one (Mann-Whitney); ties count half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    until = np.searchsorted(ordered, positive, "right")
    return float((below + until).mean() / 2 / len(ordered))


def alarms(times: np.ndarray, flagged: np.ndarray) -> int:
    """Number of alarms: flagged rows, parted by a minute of silence."""
    hits = times[flagged]
    return 0 if len(hits) == 0 else 1 + int((np.diff(hits) > APART).sum())


def measure(lives: dict[int, Life], witnesses: dict[int, Witness], detector: Detector) -> tuple[Measured, np.ndarray]:
    """The figures, and all scores in order of machine and time."""
    healthy, ill, late, delays, warnings, scores = [], [], [], [], [], []
    days, false_alarms, named, before_stop, failures = 0.0, 0, 0, 0, 0
    for number, life in lives.items():
        witness = witnesses[number]
        score = detector.scores(life.columns)
        scores.append(score)
        flagged = score >= 0.5
        is_ill, is_healthy = masks(life.times, witness)
        stopped = np.zeros(len(score), bool)
        for failure in witness.failures:
            stopped |= (life.times >= failure.stopped) & (life.times < failure.repaired)
        healthy.append(score[is_healthy])
        ill.append(score[is_ill])
        late.append(score[is_ill & ~stopped])
        days += (life.times[-1] - life.times[0]) / DAY
        false_alarms += alarms(life.times, flagged & is_healthy)
        for failure in witness.failures:
            failures += 1
            hits = life.times[flagged & (life.times >= growth_start(failure, witness.stands)) & (life.times < failure.repaired)]
            first = hits[0] if len(hits) else np.inf
            since = hits[hits >= failure.first_reject]
            delays.append(0.0 if _standing(life.times, flagged, failure.first_reject) else (since[0] if len(since) else np.inf) - failure.first_reject)
            warnings.append(failure.first_reject - first)
            before_stop += first < failure.stopped
            row = min(int(np.searchsorted(life.times, failure.stopped + 2 * REPORT)), len(life.times) - 1)
            guess = detector.predict(life.columns[row : row + 1])[0]["details"]["suspectedNozzle"]
            named += guess == failure.nozzle
    negative, positive = np.concatenate(healthy), np.concatenate(ill)
    return Measured(
        days, len(negative), len(positive), auc(negative, positive), auc(negative, np.concatenate(late)), failures, before_stop,
        np.array(delays), np.array(warnings), false_alarms, named,
    ), np.concatenate(scores)


def _standing(times: np.ndarray, flagged: np.ndarray, at: float) -> bool:
    """Whether the row in force at that time was an alarm already."""
    row = int(np.searchsorted(times, at, "right")) - 1
    return row >= 0 and bool(flagged[row])
