"""The single form."""

import pytest
from conftest import MODEL, PREDICT, ill, well


def test_the_single_form_fits_the_schemas_by_either_path(client, check):
    request = {"model_id": MODEL, "features": ill(), "metadata": {"thingId": "x:y"}}
    check("predict-single-request", request)
    answers = [client.post(path, json=request) for path in ("/predict", PREDICT)]
    assert [answer.status_code for answer in answers] == [200, 200]
    for answer in answers:
        check("predict-single-response", answer.json())
        assert answer.json()["predictions"]["label"] == "anomaly"
    assert answers[0].json() == answers[1].json()


def test_the_model_of_the_path_needs_no_model_id(client):
    assert client.post(PREDICT, json={"features": well()}).json()["model_id"] == MODEL


def test_equal_questions_have_equal_ids_and_others_have_others(client):
    def ask(**request):
        return client.post("/predict", json={"model_id": MODEL, "features": well(), **request}).json()["prediction_id"]

    assert ask() == ask()
    assert len({ask(), ask(features=ill()), ask(metadata={"a": 1})}) == 3


@pytest.mark.parametrize(
    ("path", "document", "status", "code"),
    [
        ("/predict", {"features": {}}, 422, "shape"),
        ("/predict", {"model_id": 7, "features": {}}, 422, "shape"),
        ("/predict", {"model_id": "nix", "features": {}}, 404, "unknown-model"),
        ("/predict", {"model_id": MODEL}, 422, "shape"),
        (PREDICT, {"model_id": "other", "features": well()}, 422, "shape"),
        (PREDICT, {"features": well(), "metadata": "text"}, 422, "shape"),
        (PREDICT, {"features": {}}, 422, "missing-feature"),
        (PREDICT, {"features": {"volumes": [1]}}, 422, "wrong-length"),
        (PREDICT, {"features": "text"}, 422, "wrong-type"),
        (PREDICT, {"features": well(), "model_version": "9"}, 409, "model-version"),
    ],
)
def test_what_is_wrong_with_a_single_request_is_a_problem(client, path, document, status, code):
    answer = client.post(path, json=document)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:egiz:problem:{code}")


def test_a_bug_of_the_model_is_a_500_in_the_single_form(client, monkeypatch):
    from egiz_ml_service.model.detector import Detector

    monkeypatch.setattr(Detector, "predict", lambda self, columns: 1 / 0)
    answer = client.post(PREDICT, json={"features": well()})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:egiz:problem:model")
