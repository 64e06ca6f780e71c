"""From what `ml-fan-out` delivers to what the autoencoder sees.

Deliberately absent, because they are the answer: status, phase, errorCode, message, nozzles.blocked.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from .errors import FeatureError
from .steady_flow import Samples, passage

NOZZLES = 4
#: The columns of the autoencoder, in order.
COLUMNS = ("volume1", "volume2", "volume3", "volume4", "speed", "level", "passage")
#: What an instance may hold, with unit and path; other members are ignored.
INPUTS: dict[str, dict[str, Any]] = {
    "volumes": {
        "path": "/features/nozzles/properties/volumes", "value": "last", "required": True,
        "unit": "ml by nozzle, an array of 4; empty before the first cycle",
    },
    "speed": {"path": "/features/conveyor/properties/speed", "value": "last", "required": False, "unit": "bottles/min"},
    "level": {"path": "/features/tank/properties/level", "value": "last", "required": False, "unit": "% of the tank"},
    "flow": {
        "path": "/features/filler/properties/flow", "value": "raw, last 12s", "required": False,
        "unit": "pairs of [seconds, ml/s], oldest first",
    },
    "pressure": {
        "path": "/features/filler/properties/pressure", "value": "raw, last 12s", "required": False,
        "unit": "pairs of [seconds, kPa], oldest first",
    },
}
NAN = float("nan")


def vector(features: Any) -> list[float]:
    """The columns of one instance; NaN where there is no evidence. Raises `FeatureError` on what cannot be right."""
    if not isinstance(features, Mapping):
        raise FeatureError("wrong-type", f"found {_kind(features)}, expected an object of features")
    flow, pressure = _window(features, "flow"), _window(features, "pressure")
    return [
        *_volumes(features),
        _number(features, "speed"),
        _number(features, "level"),
        NAN if (free := passage(flow, pressure)) is None else free,
    ]


def _volumes(features: Mapping[str, Any]) -> list[float]:
    values = features.get("volumes")
    if values is None:
        raise FeatureError("missing-feature", "volumes is missing", "volumes")
    if not isinstance(values, list):
        raise FeatureError("wrong-type", f"volumes: found {_kind(values)}, expected an array of {NOZZLES} numbers", "volumes")
    if not values:
        # No cycle yet: nothing to say about the nozzles.
        return [NAN] * NOZZLES
    if len(values) != NOZZLES:
        raise FeatureError("wrong-length", f"volumes: found {len(values)} numbers, expected {NOZZLES}", "volumes")
    return [_finite(value, "volumes") for value in values]


def _number(features: Mapping[str, Any], name: str) -> float:
    value = features.get(name)
    return NAN if value is None else _finite(value, name)


def _window(features: Mapping[str, Any], name: str) -> Samples:
    """Pairs of (seconds, value). Numbers without times are taken, and tell nothing of how long a flow lasted."""
    values = features.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        raise FeatureError("wrong-type", f"{name}: found {_kind(values)}, expected an array of [seconds, value]", name)
    pairs: Samples = []
    for value in values:
        if isinstance(value, list):
            if len(value) != 2:
                raise FeatureError("wrong-length", f"{name}: found {len(value)} members, expected [seconds, value]", name)
            pairs.append((_finite(value[0], name), _finite(value[1], name)))
        else:
            _finite(value, name)
    if any(later[0] < earlier[0] for earlier, later in zip(pairs, pairs[1:])):
        raise FeatureError("wrong-order", f"{name}: times fall, expected oldest first", name)
    return pairs


def _finite(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FeatureError("wrong-type", f"{name}: found {_kind(value)}, expected a number", name)
    try:
        number = float(value)
    except OverflowError:
        number = NAN
    if not isfinite(number):
        raise FeatureError("not-finite", f"{name}: found a number that is not finite", name)
    return number


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "text", list: "an array"}
    return names.get(type(value), "an object")
