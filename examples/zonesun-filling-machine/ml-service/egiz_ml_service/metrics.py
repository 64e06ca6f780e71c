"""Counters in Prometheus' text format. Single-threaded, as the service is."""

from collections import defaultdict

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Counter:
    def __init__(self, name: str, help: str, labels: tuple[str, ...]):
        self.name, self.help, self.labels = name, help, labels
        self._values: dict[tuple[str, ...], int] = defaultdict(int)

    def add(self, values: tuple[str, ...]) -> None:
        self._values[values] += 1

    def lines(self) -> list[str]:
        rows = [f"{self.name}{_labels(self.labels, key)} {value}" for key, value in sorted(self._values.items())]
        return [f"# HELP {self.name} {self.help}", f"# TYPE {self.name} counter", *rows]


class Histogram:
    def __init__(self, name: str, help: str, labels: tuple[str, ...]):
        self.name, self.help, self.labels = name, help, labels
        self._buckets: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = defaultdict(float)

    def observe(self, values: tuple[str, ...], seconds: float) -> None:
        buckets = self._buckets.setdefault(values, [0] * (len(_BOUNDS) + 1))
        for index, bound in enumerate((*_BOUNDS, float("inf"))):
            buckets[index] += seconds <= bound
        self._sums[values] += seconds

    def lines(self) -> list[str]:
        rows = []
        for key, buckets in sorted(self._buckets.items()):
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), buckets):
                rows.append(f"{self.name}_bucket{_labels((*self.labels, 'le'), (*key, bound))} {count}")
            rows.append(f"{self.name}_sum{_labels(self.labels, key)} {self._sums[key]:.9f}")
            rows.append(f"{self.name}_count{_labels(self.labels, key)} {buckets[-1]}")
        return [f"# HELP {self.name} {self.help}", f"# TYPE {self.name} histogram", *rows]


class Metrics:
    def __init__(self) -> None:
        self.requests = Counter("egiz_ml_requests_total", "Requests by route and status.", ("route", "status"))
        self.items = Counter("egiz_ml_items_total", "Instances by model and result: a label, or the code of an error.", ("model", "result"))
        self.repeats = Counter("egiz_ml_repeats_total", "Requests answered from an earlier one with the same Idempotency-Key.", ("route",))
        self.seconds = Histogram("egiz_ml_predict_seconds", "Seconds that the instances of a request took.", ("model",))

    def text(self) -> str:
        families = (self.requests, self.items, self.repeats, self.seconds)
        return "\n".join(line for family in families for line in family.lines()) + "\n"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
