"""Faults to order."""

import json
import time

import pytest
from conftest import PREDICT, service, well
from egiz_ml_service.faults import LARGE

ASK = {"instances": [well(), well()]}


@pytest.fixture
def faulty():
    with service(has_faults=True) as client:
        yield client


def test_without_the_setting_there_are_no_faults(client):
    for method in ("GET", "PUT", "DELETE"):
        assert client.request(method, "/faults").status_code == 404


def test_a_fault_hits_as_many_calls_as_were_ordered(faulty):
    assert faulty.put("/faults", json={"kind": "status", "status": 503, "retryAfter": 7, "count": 2}).status_code == 200
    answers = [faulty.post(PREDICT, json=ASK) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert faulty.get("/faults").json() is None


def test_a_fault_lasts_until_it_is_ended(faulty):
    faulty.put("/faults", json={"kind": "status"})
    assert [faulty.post(PREDICT, json=ASK).status_code for _ in range(3)] == [500, 500, 500]
    assert faulty.get("/faults").json()["kind"] == "status"
    assert faulty.get("/health").status_code == 200
    assert faulty.delete("/faults").status_code == 204
    assert faulty.post(PREDICT, json=ASK).status_code == 200


def test_wrong_json_is_none(faulty):
    faulty.put("/faults", json={"kind": "wrong-json"})
    answer = faulty.post(PREDICT, json=ASK)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_wrong_answers_are_json_of_the_wrong_kind(faulty):
    right = faulty.post(PREDICT, json=ASK).json()

    def wrong(kind):
        faulty.put("/faults", json={"kind": kind, "count": 1})
        return faulty.post(PREDICT, json=ASK).json()

    assert not isinstance(wrong("wrong-shape")["predictions"], list)
    assert len(wrong("wrong-length")["predictions"]) == 1
    assert wrong("wrong-version")["model_version"] != right["model_version"]
    first, second = wrong("item-error")["predictions"]
    assert (first["error"]["code"], second) == ("fault", right["predictions"][1])


def test_faults_hit_the_single_form_and_the_other_protocols(faulty):
    for path, body in ((PREDICT, {"features": well()}), ("/invocations", {"inputs": [well()]})):
        faulty.put("/faults", json={"kind": "item-error", "count": 1})
        assert "fault" in faulty.post(path, json=body).text
        faulty.put("/faults", json={"kind": "status", "count": 1})
        assert faulty.post(path, json=body).status_code == 500


def test_a_large_answer_is_50_mb_of_valid_json(faulty):
    faulty.put("/faults", json={"kind": "large", "count": 1})
    answer = faulty.post(PREDICT, json=ASK)
    assert len(answer.content) >= LARGE
    assert answer.json()["predictions"] == []


def test_a_slow_answer_is_right_and_late(faulty):
    right = faulty.post(PREDICT, json=ASK).json()
    faulty.put("/faults", json={"kind": "slow", "seconds": 0.2, "count": 1})
    started = time.monotonic()
    assert faulty.post(PREDICT, json=ASK).json() == right
    assert time.monotonic() - started >= 0.2


def test_a_spoiled_answer_is_not_what_the_key_remembers(faulty):
    faulty.put("/faults", json={"kind": "wrong-length", "count": 1})
    spoiled, right = (faulty.post(PREDICT, json=ASK, headers={"Idempotency-Key": "t:1"}).json() for _ in range(2))
    assert (len(spoiled["predictions"]), len(right["predictions"])) == (1, 2)


@pytest.mark.parametrize(
    "order",
    [{}, {"kind": "nix"}, {"kind": "slow", "seconds": "long"}, {"kind": "slow", "seconds": -1}, {"kind": "status", "status": 200}, {"kind": "hang", "x": 1}],
)
def test_an_order_that_makes_no_sense_is_a_422(faulty, order):
    assert faulty.put("/faults", json=order).status_code == 422
    assert faulty.get("/faults").json() is None
