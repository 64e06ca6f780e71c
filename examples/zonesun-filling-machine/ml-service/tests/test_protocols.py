"""MLflow's and KServe's protocols: the other words of ml-caller's `protocol`."""

import shutil

import pytest
from conftest import MODEL, PREDICT, ill, service, well
from egiz_ml_service.catalogue import MODELS
from egiz_ml_service.model.artifact import load

KSERVE = f"/v1/models/{MODEL}:predict"
FORMS = {
    "dataframe_records": [well(), ill()],
    "dataframe_split": {"columns": ["volumes", "speed"], "data": [[row["volumes"], row["speed"]] for row in (well(), ill())]},
    "instances": [well(), ill()],
    "inputs": [well(), ill()],
}


@pytest.mark.parametrize("form", FORMS)
def test_mlflow_is_answered_in_each_of_its_forms(client, form):
    answer = client.post("/invocations", json={form: FORMS[form]})
    assert answer.status_code == 200
    assert [prediction["label"] for prediction in answer.json()["predictions"]] == ["normal", "anomaly"]
    assert answer.headers["egiz-model-version"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"inputs": [{}], "instances": [{}]},
        {"dataframe_records": []},
        {"dataframe_split": []},
        {"dataframe_split": {"columns": [1], "data": [[1]]}},
        {"dataframe_split": {"columns": ["a"], "data": []}},
        {"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}},
        {"dataframe_split": {"columns": ["a"], "data": [1]}},
    ],
)
def test_a_wrong_form_of_mlflow_is_a_422(client, document):
    answer = client.post("/invocations", json=document)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:egiz:problem:shape")


def test_mlflow_servers_ping(client):
    assert client.get("/ping").status_code == 200
    assert client.get("/version").text == "1.0.0"


def test_mlflow_asks_the_only_model_and_is_refused_where_there_are_two(tmp_path):
    shutil.copy(MODELS / f"{MODEL}.npz", tmp_path / "one.npz")
    other = load(MODELS / f"{MODEL}.npz")
    object.__setattr__(other, "name", "other")
    other.save(tmp_path / "two.npz")
    with service(models=tmp_path) as client:
        assert client.post(PREDICT, json={"instances": [well()]}).status_code == 200
        assert client.post("/predict/other", json={"instances": [well()]}).status_code == 200
        answer = client.post("/invocations", json={"inputs": [well()]})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:egiz:problem:unknown-model")


def test_kserve_is_answered(client):
    answer = client.post(KSERVE, json={"instances": [well(), {}, ill()]})
    first, error, last = answer.json()["predictions"]
    assert (first["label"], error["error"]["code"], last["label"]) == ("normal", "missing-feature", "anomaly")
    assert client.get("/v1/models").json() == {"models": [MODEL]}
    assert client.get(f"/v1/models/{MODEL}").json() == {"name": MODEL, "ready": True}


def test_all_protocols_give_equal_predictions(client):
    bodies = {PREDICT: {"instances": [ill()]}, KSERVE: {"instances": [ill()]}, "/invocations": {"inputs": [ill()]}}
    predictions = [client.post(path, json=body).json()["predictions"][0] for path, body in bodies.items()]
    single = client.post("/predict", json={"model_id": MODEL, "features": ill()}).json()["predictions"]
    assert predictions == [single] * 3


@pytest.mark.parametrize("path", ["/predict/nix", "/v1/models/nix:predict"])
def test_an_unknown_model_is_a_404_that_names_those_there_are(client, path):
    answer = client.post(path, json={"instances": [well()]})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:egiz:problem:unknown-model")
    assert MODEL in answer.json()["detail"]
    assert client.get("/v1/models/nix").status_code == 404


def test_kserve_without_instances_is_a_422(client):
    assert client.post(KSERVE, json={"inputs": []}).status_code == 422
