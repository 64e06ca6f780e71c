"""What `ml-fan-out` does, for one machine: last values, and windows of the last seconds. The YAML is in the README."""

from collections import deque
from typing import Any

#: Seconds of flow and pressure; longer than the longest cycle (9.5 s), so that a running machine has one full flow in it.
WINDOW = 12.0
_LAST = {("nozzles", "volumes"): "volumes", ("conveyor", "speed"): "speed", ("tank", "level"): "level"}
_RAW = {("filler", "flow"): "flow", ("filler", "pressure"): "pressure"}


class FanOut:
    """Feed `take` with the properties that a record carried; `features` is then one instance for the service."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}
        self.raw: dict[str, deque[tuple[float, float]]] = {name: deque() for name in _RAW.values()}

    def take(self, time: float, feature: str, properties: dict[str, Any]) -> None:
        """`time` in seconds; values of paths that are no features pass by."""
        for name, value in properties.items():
            if (last := _LAST.get((feature, name))) is not None:
                self.last[last] = value
            elif (raw := _RAW.get((feature, name))) is not None:
                self.raw[raw].append((time, value))
        for window in self.raw.values():
            while window and window[0][0] < time - WINDOW:
                window.popleft()

    def features(self, time: float) -> dict[str, Any]:
        """The features as they are at `time`; seconds of windows count from there, so they are 0 or less."""
        windows = {name: [[round(t - time, 3), v] for t, v in window] for name, window in self.raw.items()}
        return {**self.last, **windows}
