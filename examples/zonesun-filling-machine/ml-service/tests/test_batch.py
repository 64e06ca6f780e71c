"""The batch form of `POST /predict/{model}`."""

import pytest
from conftest import MODEL, PREDICT, ill, service, well


def test_a_batch_is_answered_in_order_and_fits_the_schemas(client, check):
    request = {"instances": [well(), ill(), well()], "ids": ["a", "b", "c"], "metadata": [{"thingId": "x:y"}, None, {}]}
    check("predict-request", request)
    answer = client.post(PREDICT, json=request)
    assert answer.status_code == 200
    document = answer.json()
    check("predict-response", document)
    assert [prediction["label"] for prediction in document["predictions"]] == ["normal", "anomaly", "normal"]
    assert document["ids"] == ["a", "b", "c"]
    assert document["model"] == MODEL
    assert document["model_version"] == answer.headers["egiz-model-version"]


def test_ids_and_metadata_may_be_left_out(client, check):
    document = client.post(PREDICT, json={"instances": [well()]}).json()
    check("predict-response", document)
    assert "ids" not in document


def test_an_anomaly_says_how_it_was_seen_and_which_nozzle_is_suspected(client):
    prediction = client.post(PREDICT, json={"instances": [ill()]}).json()["predictions"][0]
    assert prediction["score"] > 0.9
    contributions = prediction["details"]["contributions"]
    assert max(contributions, key=contributions.get) == "volume3"
    assert sum(contributions.values()) == pytest.approx(1, abs=1e-4)
    assert prediction["details"]["suspectedNozzle"] == 3
    assert prediction["details"]["error"] > prediction["details"]["threshold"]


@pytest.mark.parametrize(
    ("instance", "code", "feature"),
    [
        ({}, "missing-feature", "volumes"),
        ({"volumes": None}, "missing-feature", "volumes"),
        ({"volumes": "500"}, "wrong-type", "volumes"),
        ({"volumes": [500, 500, 500]}, "wrong-length", "volumes"),
        ({"volumes": [500, 500, "x", 500]}, "wrong-type", "volumes"),
        ({"volumes": [500, 500, True, 500]}, "wrong-type", "volumes"),
        ({"volumes": [500, 500, 10**400, 500]}, "not-finite", "volumes"),
        (well(speed="fast"), "wrong-type", "speed"),
        (well(level=[1]), "wrong-type", "level"),
        (well(flow=3.5), "wrong-type", "flow"),
        (well(flow=[[0, 1, 2]]), "wrong-length", "flow"),
        (well(pressure=[[0, None]]), "wrong-type", "pressure"),
        (well(flow=[[0, 1], [-1, 1]]), "wrong-order", "flow"),
        ("text", "wrong-type", None),
        (None, "wrong-type", None),
        ([1, 2], "wrong-type", None),
    ],
)
def test_a_bad_instance_is_an_error_in_its_place_and_the_others_are_answered(client, check, instance, code, feature):
    answer = client.post(PREDICT, json={"instances": [well(), instance, ill()]})
    assert answer.status_code == 200
    check("predict-response", answer.json())
    first, error, last = answer.json()["predictions"]
    assert (first["label"], last["label"]) == ("normal", "anomaly")
    assert (error["error"]["code"], error["error"]["feature"]) == (code, feature)


def test_a_bug_of_the_model_is_an_error_of_each_item(client, check, monkeypatch):
    from egiz_ml_service.model.detector import Detector

    def fail(self, columns):
        raise ZeroDivisionError

    monkeypatch.setattr(Detector, "predict", fail)
    answer = client.post(PREDICT, json={"instances": [well(), {}]})
    assert answer.status_code == 200
    check("predict-response", answer.json())
    assert [prediction["error"]["code"] for prediction in answer.json()["predictions"]] == ["model", "missing-feature"]


@pytest.mark.parametrize(
    ("document", "member"),
    [
        ({}, "instances"),
        ({"instances": []}, "instances"),
        ({"instances": {"volumes": []}}, "instances"),
        ({"instances": [{}], "ids": ["a", "b"]}, "ids"),
        ({"instances": [{}], "ids": [1]}, "ids"),
        ({"instances": [{}], "metadata": {}}, "metadata"),
        ({"instances": [{}], "metadata": ["text"]}, "metadata"),
    ],
)
def test_a_request_of_the_wrong_shape_is_a_422_that_names_the_member(client, document, member):
    answer = client.post(PREDICT, json=document)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:egiz:problem:shape"
    assert answer.json()["detail"].startswith(member)


def test_too_many_instances_are_refused():
    with service(max_instances=2) as client:
        assert client.post(PREDICT, json={"instances": [well()] * 2}).status_code == 200
        answer = client.post(PREDICT, json={"instances": [well()] * 3})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:egiz:problem:too-many-instances"


def test_a_caller_that_counts_on_another_version_gets_a_409(client):
    whole = client.post(PREDICT, json={"instances": [well()]}).json()["model_version"]
    for version in (whole, whole.partition("+")[0]):
        assert client.post(PREDICT, json={"instances": [well()], "model_version": version}).status_code == 200
    answer = client.post(PREDICT, json={"instances": [well()], "model_version": "0.9.0"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:egiz:problem:model-version"
    assert answer.json()["model_version"] == whole


def test_equal_instances_have_equal_predictions_alone_and_in_company(client):
    alone = client.post(PREDICT, json={"instances": [ill()]}).json()["predictions"][0]
    company = client.post(PREDICT, json={"instances": [well(), {}, ill(), well()]}).json()["predictions"][2]
    assert alone == company
