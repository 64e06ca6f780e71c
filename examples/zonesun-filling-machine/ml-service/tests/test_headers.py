"""Idempotency-Key, Deadline and traceparent."""

import logging
import time
from datetime import UTC, datetime, timedelta

import pytest
from conftest import PREDICT, ill, service, well

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def test_a_repeated_key_gets_the_same_bytes_without_a_second_prediction(client):
    request = {"instances": [well(), ill()]}
    answers = [client.post(PREDICT, json=request, headers={"Idempotency-Key": "t:1"}) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["egiz-model-version"] for answer in answers} == {answers[0].json()["model_version"]}
    metrics = client.get("/metrics").text
    assert 'egiz_ml_items_total{model="nozzle-anomaly",result="anomaly"} 1\n' in metrics
    assert 'egiz_ml_repeats_total{route="/predict/{model}"} 2\n' in metrics


def test_the_same_key_with_another_body_is_a_422(client):
    client.post(PREDICT, json={"instances": [well()]}, headers={"Idempotency-Key": "t:1"})
    answer = client.post(PREDICT, json={"instances": [ill()]}, headers={"Idempotency-Key": "t:1"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:egiz:problem:idempotency-key-reused")


def test_a_refused_request_is_not_remembered(client):
    headers = {"Idempotency-Key": "t:1"}
    assert client.post(PREDICT, json={"instances": []}, headers=headers).status_code == 422
    assert client.post(PREDICT, json={"instances": [well()]}, headers=headers).status_code == 200


def test_the_same_key_on_another_path_is_another_call(client):
    headers = {"Idempotency-Key": "t:1"}
    assert client.post(PREDICT, json={"instances": [well()]}, headers=headers).status_code == 200
    assert client.post("/invocations", json={"inputs": [ill()]}, headers=headers).status_code == 200


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
def test_a_key_that_is_none_is_a_400(client, key):
    answer = client.post(PREDICT, json={"instances": [well()]}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:egiz:problem:idempotency-key")


def deadlines(seconds: float) -> list[str]:
    instant = datetime.now(UTC) + timedelta(seconds=seconds)
    local = instant.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:00").tzinfo)
    return [instant.isoformat().replace("+00:00", "Z"), local.isoformat(), str(int(instant.timestamp() * 1000))]


@pytest.mark.parametrize("index", range(3))
def test_a_passed_deadline_is_a_504_and_a_future_one_is_kept(client, index):
    late = client.post(PREDICT, json={"instances": [well()]}, headers={"Deadline": deadlines(-1)[index]})
    assert (late.status_code, late.json()["type"]) == (504, "urn:egiz:problem:deadline")
    assert client.post(PREDICT, json={"instances": [well()]}, headers={"Deadline": deadlines(60)[index]}).status_code == 200


@pytest.mark.parametrize("text", ["", "soon", "2026-01-01T00:00:00", "1.5", "-1", "2026-13-01T00:00:00Z"])
def test_a_deadline_that_is_none_is_a_400(client, text):
    answer = client.post(PREDICT, json={"instances": [well()]}, headers={"Deadline": text})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:egiz:problem:deadline-format")


def test_a_call_that_hangs_ends_at_its_deadline():
    with service(has_faults=True) as client:
        client.put("/faults", json={"kind": "hang"})
        started = time.monotonic()
        answer = client.post(PREDICT, json={"instances": [well()]}, headers={"Deadline": deadlines(0.3)[2]})
        assert time.monotonic() - started < 30
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:egiz:problem:deadline")


def test_a_prediction_that_is_ready_after_the_deadline_is_a_504(client, monkeypatch):
    from egiz_ml_service.predictor import Predictor

    answer_at_once = Predictor.predict
    now = time.time()

    def slow(self, detector, instances):
        monkeypatch.setattr(time, "time", lambda: now + 3600)
        return answer_at_once(self, detector, instances)

    monkeypatch.setattr(Predictor, "predict", slow)
    answer = client.post(PREDICT, json={"instances": [well()]}, headers={"Deadline": str(int((now + 600) * 1000))})
    assert answer.status_code == 504


def test_the_callers_trace_goes_on_in_the_answer_and_in_the_log(client, caplog):
    caplog.set_level(logging.DEBUG, logger="egiz.ml.request")
    answer = client.post(PREDICT, json={"instances": [well()]}, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != PARENT
    facts = next(record.facts for record in caplog.records if record.name == "egiz.ml.request")
    assert (facts["traceId"], facts["parentId"], facts["spanId"], facts["status"]) == (TRACE, PARENT, span, 200)


@pytest.mark.parametrize(
    "text", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE.upper()}-{PARENT}-01"]
)
def test_a_trace_that_is_none_begins_a_new_one(client, text):
    answer = client.get("/health", headers={"traceparent": text})
    assert answer.status_code == 200
    assert TRACE not in answer.headers["traceparent"].lower()
    assert len(answer.headers["traceparent"]) == 55
