"""Reads what the simulator prints: telemetry and Ditto events, as properties that a machine told at a time."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple


class Told(NamedTuple):
    """One record: which machine, when (seconds since 1970), and the properties by feature."""

    machine: str
    time: float
    features: dict[str, dict[str, Any]]


def read(lines: Iterable[str]) -> Iterator[Told]:
    """`key|value` lines of `zonesun-simulator --print`."""
    for line in lines:
        key, _, text = line.partition("|")
        record = json.loads(text)
        yield Told(key, seconds(record["timestamp"]), telemetry(record) if "features" in record else ditto(record))


def telemetry(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return record["features"]


def ditto(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Properties that an event sets: of the thing, a feature, all properties of one, or one of them."""
    segments = [segment for segment in record["path"].split("/") if segment]
    value = record.get("value")
    match segments:
        case []:
            return {name: feature["properties"] for name, feature in value["features"].items()}
        case ["features"]:
            return {name: feature["properties"] for name, feature in value.items()}
        case ["features", feature]:
            return {feature: value["properties"]}
        case ["features", feature, "properties"]:
            return {feature: value}
        case ["features", feature, "properties", name]:
            return {feature: {name: value}}
    return {}


def seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
