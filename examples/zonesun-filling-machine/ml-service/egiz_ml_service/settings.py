"""What the environment says. Read once at start; an unknown or impossible value ends the start with its name."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .catalogue import MODELS
from .model.backend import NAMES


class SettingsError(ValueError):
    """Names the variable, what was found and what was expected."""


@dataclass(frozen=True)
class Settings:
    models: Path = MODELS
    #: auto, numpy or torch.
    backend: str = "auto"
    #: Bytes of a request's body.
    max_body: int = 4 << 20
    #: Instances of a request.
    max_instances: int = 1024
    #: Answers kept for repeated Idempotency-Keys, and for how many seconds.
    kept_answers: int = 1024
    kept_seconds: float = 600.0
    #: Whether `/faults` is there at all.
    has_faults: bool = False
    #: Where models are registered; None for nowhere.
    mlflow: str | None = None

    @staticmethod
    def of(environment: Mapping[str, str] = os.environ) -> "Settings":
        backend = environment.get("EGIZ_ML_BACKEND", "auto")
        if backend not in NAMES:
            raise SettingsError(f"EGIZ_ML_BACKEND: found {backend!r}, expected one of {', '.join(NAMES)}")
        faults = environment.get("EGIZ_ML_FAULTS", "")
        if faults not in ("", "0", "1"):
            raise SettingsError(f"EGIZ_ML_FAULTS: found {faults!r}, expected 1 or 0")
        return Settings(
            models=Path(environment.get("EGIZ_ML_MODELS") or MODELS),
            backend=backend,
            max_body=_whole(environment, "EGIZ_ML_MAX_BODY", Settings.max_body),
            max_instances=_whole(environment, "EGIZ_ML_MAX_INSTANCES", Settings.max_instances),
            has_faults=faults == "1",
            mlflow=environment.get("MLFLOW_TRACKING_URI") or None,
        )


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise SettingsError(f"{name}: found {text!r}, expected a whole number above 0")
    return int(text)
