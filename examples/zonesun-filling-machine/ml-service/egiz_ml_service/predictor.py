"""Runs a model over instances. What is wrong with one becomes an error in its place; the others are answered."""

import logging
import time
from typing import Any

import numpy as np

from .metrics import Metrics
from .model.detector import Detector
from .model.errors import FeatureError
from .problems import Problem
from .settings import Settings

_log = logging.getLogger("egiz.ml")


class Predictor:
    def __init__(self, detectors: dict[str, Detector], settings: Settings, metrics: Metrics):
        self.detectors = detectors
        self._settings = settings
        self._metrics = metrics

    def detector(self, model: str) -> Detector:
        """Raises a 404 that names the models there are."""
        if (detector := self.detectors.get(model)) is None:
            raise Problem(404, "unknown-model", f"found model {model!r}, expected one of {', '.join(self.detectors)}")
        return detector

    def only(self) -> Detector:
        """The model of protocols that name none. Raises a 404 where there are several."""
        if len(self.detectors) != 1:
            raise Problem(404, "unknown-model", f"this service has several models, and the path names none: {', '.join(self.detectors)}")
        return next(iter(self.detectors.values()))

    def predict(self, detector: Detector, instances: list[Any]) -> list[dict[str, Any]]:
        """One prediction, or one `{"error": …}`, for each instance, in order."""
        if len(instances) > self._settings.max_instances:
            raise Problem(413, "too-many-instances", f"found {len(instances)} instances, expected at most {self._settings.max_instances}")
        started = time.perf_counter()
        answers: list[dict[str, Any]] = [{}] * len(instances)
        rows, places = [], []
        for place, instance in enumerate(instances):
            try:
                rows.append(detector.vector(instance))
                places.append(place)
            except FeatureError as error:
                answers[place] = {"error": {"code": error.code, "message": error.message, "feature": error.feature}}
        if rows:
            for place, answer in zip(places, self._run(detector, np.array(rows, np.float64)), strict=True):
                answers[place] = answer
        name = detector.artifact.name
        for answer in answers:
            self._metrics.items.add((name, answer["label"] if "label" in answer else answer["error"]["code"]))
        self._metrics.seconds.observe((name,), time.perf_counter() - started)
        return answers

    def _run(self, detector: Detector, rows: np.ndarray) -> list[dict[str, Any]]:
        try:
            with np.errstate(over="ignore"):
                return detector.predict(rows)
        except Exception:
            # A bug of the model is an error of its items: the caller dead-letters them and goes on.
            _log.exception("model failed", extra={"facts": {"model": detector.artifact.name, "items": len(rows)}})
            return [{"error": {"code": "model", "message": "the model failed", "feature": None}}] * len(rows)
