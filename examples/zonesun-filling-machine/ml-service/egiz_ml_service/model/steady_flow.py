"""Finds the last stretch of a window in which all nozzles ran, and what they let pass.

Flow through orifices under pressure p is `Q = passage * sqrt(p)`, whatever the tank's level. So `passage` says how free the
nozzles are: it is a constant of a clean machine, and a clog lowers it from its first second, minutes before a bottle is
underfilled.
"""

from math import sqrt
from statistics import median

#: Seconds that a flow must be steady. Healthy machines finish a dose through nearly closed valves for 0.8 s: that must not
#: count; the full flow lasts about 3 s.
MIN_SECONDS = 1.5
#: Samples in a steady stretch. Fewer say nothing: a single one is always steady.
MIN_SAMPLES = 4
#: By how much the flow of a steady stretch may vary: a share of it, and ml/s of noise. Tight, or opening valves would count.
SPREAD = 0.01
NOISE = 9.0
#: ml/s below which nothing flows that is worth a look.
MIN_FLOW = 20.0

Samples = list[tuple[float, float]]


def passage(flow: Samples, pressure: Samples) -> float | None:
    """ml/s by the root of kPa in the newest steady stretch; None where there is none, or no pressure within it.

    Both windows are pairs of (seconds, value), oldest first; seconds only need a common origin.
    """
    end = len(flow) - 1
    while end >= MIN_SAMPLES - 1:
        start = _steady_from(flow, end)
        if start is None:
            end -= 1
            continue
        begin, until = flow[start][0], flow[end][0]
        heads = [value for time, value in pressure if begin <= time <= until and value > 0]
        if not heads:
            end -= 1
            continue
        flows = [value for _, value in flow[start : end + 1]]
        # Medians: a sample of the opening valves may have come along.
        return median(flows) / sqrt(median(heads))
    return None


def _steady_from(flow: Samples, end: int) -> int | None:
    """First index of the steady stretch that ends at `end`, cut at `MIN_SECONDS`."""
    low = high = flow[end][1]
    if low < MIN_FLOW:
        return None
    for index in range(end, -1, -1):
        value = flow[index][1]
        low, high = min(low, value), max(high, value)
        if high - low > SPREAD * high + NOISE:
            return None
        if flow[end][0] - flow[index][0] >= MIN_SECONDS:
            return index if end - index + 1 >= MIN_SAMPLES else None
    return None
