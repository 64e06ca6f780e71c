"""The JSON Schemas of questions and answers."""

import copy
import hashlib
import json
import re

import pytest
from conftest import SCHEMAS
from jsonschema import Draft202012Validator, ValidationError

NAMES = ["ml-input", "ml-output", "predict-request", "predict-response", "predict-single-request", "predict-single-response"]


def example(name: str, index: int = 0) -> dict:
    return copy.deepcopy(json.loads((SCHEMAS / f"{name}.v1.schema.json").read_text())["examples"][index])


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_one_and_its_examples_fit(check, name):
    schema = json.loads((SCHEMAS / f"{name}.v1.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{name}.v1.schema.json")
    for document in schema["examples"]:
        check(name, document)


def without(document: dict, *path: str) -> dict:
    place = document
    for member in path[:-1]:
        place = place[member]
    del place[path[-1]]
    return document


def changed(document: dict, value, *path: str) -> dict:
    place = document
    for member in path[:-1]:
        place = place[member]
    place[path[-1]] = value
    return document


BAD = {
    "an input without a thing": ("ml-input", lambda d: without(d, "thingId")),
    "an input whose thing is no thing id": ("ml-input", lambda d: changed(d, "filler", "thingId")),
    "an input with a task that fits no topic": ("ml-input", lambda d: changed(d, "two words", "task")),
    "an input without a position": ("ml-input", lambda d: without(d, "metadata", "input", "offset")),
    "an input without stream time": ("ml-input", lambda d: without(d, "metadata", "streamTime")),
    "an input with local time": ("ml-input", lambda d: changed(d, "2026-03-02T06:00:42+05:00", "metadata", "time")),
    "an input with features in an array": ("ml-input", lambda d: changed(d, [1], "features")),
    "an output without a version": ("ml-output", lambda d: without(d, "modelVersion")),
    "an output without an answer": ("ml-output", lambda d: without(d, "prediction")),
    "an output with two answers": ("ml-output", lambda d: changed(d, {"code": "x", "message": "y"}, "error")),
    "an output with a text as score": ("ml-output", lambda d: changed(d, "high", "prediction", "score")),
    "an output with an empty prediction": ("ml-output", lambda d: changed(d, {}, "prediction")),
    "an output with a negative latency": ("ml-output", lambda d: changed(d, -1, "latencyMs")),
    "an output without the shadow flag": ("ml-output", lambda d: without(d, "shadow")),
    "a batch without instances": ("predict-request", lambda d: without(d, "instances")),
    "a batch with an instance that is no object": ("predict-request", lambda d: changed(d, [1], "instances")),
    "a batch with a number as id": ("predict-request", lambda d: changed(d, [1], "ids")),
    "an answer without predictions": ("predict-response", lambda d: without(d, "predictions")),
    "an answer without a version": ("predict-response", lambda d: without(d, "model_version")),
    "an answer with an empty error": ("predict-response", lambda d: changed(d, [{"error": {}}], "predictions")),
    "an answer with predictions of null": ("predict-response", lambda d: changed(d, [None], "predictions")),
    "a single request without features": ("predict-single-request", lambda d: without(d, "features")),
    "a single request with instances": ("predict-single-request", lambda d: changed(d, [], "instances")),
    "a single answer without an id": ("predict-single-response", lambda d: without(d, "prediction_id")),
    "a single answer with a list": ("predict-single-response", lambda d: changed(d, [], "predictions")),
}


@pytest.mark.parametrize("what", BAD)
def test_what_does_not_fit_is_refused(check, what):
    name, spoil = BAD[what]
    with pytest.raises(ValidationError):
        check(name, spoil(example(name)))


def test_the_example_of_a_key_is_what_the_rule_gives():
    text = (SCHEMAS / "ml-ids.md").read_text()
    lines = re.search(r"SHA-256 of `([^`]*)`", text)[1].replace("\\n", "\n")
    key = hashlib.sha256(lines.encode()).hexdigest()[:32]
    assert f"`nozzle-anomaly:{key}`" in text
