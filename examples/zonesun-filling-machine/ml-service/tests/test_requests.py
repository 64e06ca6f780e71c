"""What every route does with bad requests."""

import pytest
from conftest import PREDICT, service, well

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"instances": [NaN]}', b'{"instances": [Infinity]}', b"\xff\xfe\xfd", b"[" * 200_000, b'{"a": 1' + b"0" * 5000 + b"}"],
)
def test_a_body_that_is_no_json_is_a_400(client, body):
    answer = client.post(PREDICT, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:egiz:problem:json")


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"'])
def test_json_that_is_no_object_is_a_422(client, body):
    assert client.post(PREDICT, content=body, headers=JSON).status_code == 422


def test_another_media_type_is_a_415(client):
    answer = client.post(PREDICT, content=b"a,b\n1,2\n", headers={"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:egiz:problem:media-type")


def test_a_body_beyond_the_limit_is_a_413_whether_it_says_its_length_or_not():
    with service(max_body=1000) as client:
        whole = client.post(PREDICT, content=b" " * 1001, headers=JSON)
        chunked = client.post(PREDICT, content=iter([b" " * 600, b" " * 600]), headers=JSON)
        fits = client.post(PREDICT, content=b'{"instances":[{}]}'.ljust(1000), headers=JSON)
    for answer in (whole, chunked):
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:egiz:problem:too-large")
        assert answer.headers["connection"] == "close"
    assert "content-length" not in chunked.request.headers
    assert fits.status_code == 200


def test_unknown_paths_and_methods_are_problems_too(client):
    unknown, method = client.get("/nix"), client.get(PREDICT)
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:egiz:problem:not-found")
    assert (method.status_code, method.json()["type"]) == (405, "urn:egiz:problem:method-not-allowed")
    assert method.headers["allow"] == "POST"
    assert unknown.json()["instance"] == "/nix"


def test_a_bug_is_a_500_that_tells_nothing_of_the_inside(client, monkeypatch):
    from egiz_ml_service.predictor import Predictor

    def fail(self, detector, instances):
        raise RuntimeError("secret")

    monkeypatch.setattr(Predictor, "predict", fail)
    answer = client.post(PREDICT, json={"instances": [well()]})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:egiz:problem:internal")
    assert "secret" not in answer.text


def test_health_and_models_say_what_is_served(client):
    health = client.get("/health").json()
    assert health["status"] == "ok"
    model = client.get("/models").json()["models"][0]
    assert health["models"] == {model["name"]: model["model_version"]}
    assert model["backend"] == "numpy"
    assert [name for name, about in model["inputs"].items() if about["required"]] == ["volumes"]


def test_metrics_count_requests_and_items(client):
    client.post(PREDICT, json={"instances": [well(), {}]})
    client.get("/nix")
    text = client.get("/metrics").text
    assert 'egiz_ml_requests_total{route="/predict/{model}",status="200"} 1\n' in text
    assert 'egiz_ml_requests_total{route="unmatched",status="404"} 1\n' in text
    assert 'egiz_ml_items_total{model="nozzle-anomaly",result="normal"} 1\n' in text
    assert 'egiz_ml_items_total{model="nozzle-anomaly",result="missing-feature"} 1\n' in text
    assert 'egiz_ml_predict_seconds_count{model="nozzle-anomaly"} 1\n' in text
    assert 'egiz_ml_predict_seconds_bucket{model="nozzle-anomaly",le="+Inf"} 1\n' in text
