"""The detector and its file."""

import io
import json
import zipfile

import numpy as np
import pytest
from conftest import MODEL, ill, well
from egiz_ml_service.catalogue import MODELS, detectors
from egiz_ml_service.model.artifact import MAX_BYTES, Artifact, ArtifactError, load
from egiz_ml_service.model.backend import make
from egiz_ml_service.model.detector import Detector
from egiz_ml_service.model.features import COLUMNS, vector

FILE = MODELS / f"{MODEL}.npz"
NAN = float("nan")


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return load(FILE)


@pytest.fixture
def detector(artifact) -> Detector:
    return Detector(artifact, make("numpy", artifact))


def questions(artifact: Artifact) -> np.ndarray:
    """Healthy and wild columns, some of them missing."""
    random = np.random.default_rng(5)
    scaled = random.normal(size=(500, len(COLUMNS))) * random.choice([1, 3, 50, 1e6], size=(500, 1))
    return np.where(random.random(scaled.shape) < 0.2, NAN, artifact.mean + artifact.scale * scaled)


def test_both_backends_give_the_same_scores(artifact):
    pytest.importorskip("torch", reason="PyTorch is not installed (requirements-torch.txt)")
    columns = questions(artifact)
    numpy, torch = (Detector(artifact, make(name, artifact)) for name in ("numpy", "torch"))
    assert torch.backend.name == "torch"
    np.testing.assert_allclose(numpy.scores(columns), torch.scores(columns), rtol=0, atol=1e-12)
    assert [p["label"] for p in numpy.predict(columns)] == [p["label"] for p in torch.predict(columns)]


def test_numpy_is_taken_where_pytorch_is_missing(artifact, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert make("auto", artifact).name == "numpy"


def test_scores_are_between_0_and_1_whatever_the_columns(artifact, detector):
    scores = detector.scores(questions(artifact))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert detector.scores(np.full((1, len(COLUMNS)), NAN)) == [0]


def test_a_label_is_an_anomaly_from_half_on(artifact, detector):
    for prediction in detector.predict(questions(artifact)):
        assert (prediction["label"] == "anomaly") == (prediction["details"]["error"] >= prediction["details"]["threshold"])


@pytest.mark.parametrize("nozzle", [1, 2, 3, 4])
def test_an_underfilled_bottle_is_an_anomaly_of_its_nozzle(detector, nozzle):
    # What is underfilled took until the timeout, so the cycle was slow.
    for volume in (489.0, 440.0, 0.0):
        volumes = well()["volumes"]
        volumes[nozzle - 1] = volume
        prediction = detector.predict(np.array([vector(well(volumes=volumes, speed=25.6))]))[0]
        assert (prediction["label"], prediction["details"]["suspectedNozzle"]) == ("anomaly", nozzle)


def test_a_clog_is_seen_in_the_flow_before_a_bottle_is_underfilled(detector):
    # Two percent less than clean nozzles let pass at that pressure: a clog of a twelfth of one bore.
    flow = [[time, value * 0.98] for time, value in well()["flow"]]
    prediction = detector.predict(np.array([vector(well(flow=flow))]))[0]
    assert prediction["label"] == "anomaly"
    assert prediction["details"]["contributions"]["passage"] > 0.9
    assert prediction["details"]["suspectedNozzle"] is None


def test_a_slow_cycle_or_an_empty_tank_alone_is_no_anomaly(detector):
    for changes in ({"speed": 15.0}, {"speed": 45.0}, {"level": 0.0}, {"speed": 25.0, "level": 4.0}):
        assert detector.predict(np.array([vector(well(**changes))]))[0]["label"] == "normal"


def test_a_clogged_nozzle_is_seen_without_the_optional_features(detector):
    assert detector.predict(np.array([vector({"volumes": ill()["volumes"]})]))[0]["label"] == "anomaly"


def test_the_file_is_small_and_needs_no_pickle(artifact):
    assert FILE.stat().st_size < MAX_BYTES
    with np.load(FILE, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays)


def test_a_saved_model_is_the_same_model(artifact, tmp_path):
    artifact.save(tmp_path / "copy.npz")
    assert load(tmp_path / "copy.npz").model_version == artifact.model_version


def test_other_weights_or_thresholds_are_another_version(artifact):
    versions = {artifact.model_version}
    for change in ({"threshold": artifact.threshold * 2}, {"caps": artifact.caps * 2}, {"mean": artifact.mean + 1e-9}):
        versions.add(Artifact(**{**artifact.__dict__, **change}).model_version)
    assert len(versions) == 4


def rewritten(path, **changes):
    """The shipped file with other arrays."""
    with np.load(FILE) as arrays:
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=True, **{**{name: arrays[name] for name in arrays}, **changes})
    path.write_bytes(buffer.getvalue())


def about(**changes):
    with np.load(FILE) as arrays:
        return np.array(json.dumps({**json.loads(str(arrays["about"])), **changes}))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"about": about(format=2)}, "format"),
        ({"about": np.array("{")}, "no model"),
        ({"about": np.array([print], dtype=object)}, "no model"),
        ({"mean": np.zeros(3)}, "do not fit"),
        ({"weight1": np.zeros((5, 5))}, "layers"),
        ({"about": about(layers=1)}, "last layer"),
        ({"bias0": np.full(12, NAN)}, "finite"),
        ({"scale": np.zeros(7)}, "positive"),
        ({"about": about(threshold=0)}, "positive"),
    ],
)
def test_a_file_that_is_no_model_is_refused_with_its_path(tmp_path, changes, word):
    rewritten(tmp_path / "bad.npz", **changes)
    with pytest.raises(ArtifactError, match=word) as caught:
        load(tmp_path / "bad.npz")
    assert str(tmp_path / "bad.npz") in str(caught.value)


def test_a_folder_without_models_or_with_wrong_ones_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="no models"):
        detectors(tmp_path, "numpy")
    (tmp_path / "a.npz").write_bytes(b"text")
    with pytest.raises(ArtifactError, match="no model"):
        detectors(tmp_path, "numpy")
    (tmp_path / "a.npz").write_bytes(b"\0" * (MAX_BYTES + 1))
    with pytest.raises(ArtifactError, match="larger"):
        detectors(tmp_path, "numpy")
    rewritten(tmp_path / "a.npz", about=about(columns=["a", *COLUMNS[1:]]))
    with pytest.raises(ArtifactError, match="trained on"):
        detectors(tmp_path, "numpy")
    rewritten(tmp_path / "a.npz")
    rewritten(tmp_path / "b.npz")
    with pytest.raises(ArtifactError, match="second model"):
        detectors(tmp_path, "numpy")


def test_no_array_of_the_file_is_named_for_a_label():
    with zipfile.ZipFile(FILE) as archive:
        names = " ".join(archive.namelist())
    leaks = ("status", "phase", "errorCode", "message", "blocked")
    assert not any(leak in names or leak in COLUMNS for leak in leaks)


def test_a_wild_column_does_not_bend_what_is_expected_of_the_others(artifact, detector):
    wild = np.array([artifact.mean, artifact.mean])
    wild[:, 2] += artifact.scale[2] * np.array([-20, -500])
    near, far = detector.residuals(wild)
    np.testing.assert_allclose(np.delete(near, 2), np.delete(far, 2), atol=1e-12)
    assert near[2] - far[2] == pytest.approx(480)
