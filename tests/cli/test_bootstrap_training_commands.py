import json

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from landmark_discovery.bootstrap_training.networks import new_network
from landmark_discovery.bootstrap_training.runs import write_network
from landmark_discovery.cli import bootstrap_training
from landmark_discovery.config.bootstrap_training import bootstrap_step_settings, load_bootstrap_training
from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_npz

DESCENT = {"iterations": 20, "batch_size": 2}
CONFIG = load_bootstrap_training(
    {
        "precision": "float32",
        "device": "cpu",
        "cpu_threads": 1,
        "shapes": {"count": 10, "size_px": 48},
        "magicpoint": {"input_px": 32, "descent": DESCENT},
        "adaptation": {"homographies": 2},
        "joint": {"input_px": 32, "points": 16, "descent": DESCENT},
    }
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command with the settings of its step; it gives what the command raised."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(pretty_exceptions_enable=False)
    bootstrap_training.register(app)

    def run_command(name, *arguments, settings=None):
        text = bootstrap_step_settings(CONFIG, name) if settings is None else settings
        return CliRunner().invoke(app, [name, "--settings", text, *arguments]).exception

    return run_command


@pytest.fixture
def files(tmp_path):
    """Write squares of noise, labels of them, and an untrained network."""
    squares = np.random.default_rng(0).integers(0, 255, (4, 48, 48)).astype(np.uint8)
    write_crops(tmp_path / "crops.npz", squares, ["train", "test", "train", "train"])
    write_labels(tmp_path, crop=np.array([0, 2, 3]), points=np.full((3, 2, 2), 20.0, np.float32))
    write_network(tmp_path / "magicpoint.safetensors", new_network(0, torch.device("cpu")))
    return tmp_path


def write_crops(path, squares, split):
    write_npz(path, {"images": squares, "photograph": np.arange(len(squares)), "split": np.array(split)})


def write_labels(folder, crop, points, digest=None):
    digest = digest or digest_of(folder / "crops.npz", "sha256").value
    write_npz(folder / "labels.npz", {"crop": crop, "points": points, "crops_sha256": np.array(digest)})


TRAIN = ("--crops", "crops.npz", "--labels", "labels.npz", "--weights", "magicpoint.safetensors")


def test_shapes_are_drawn_and_magicpoint_trains_on_them(run, tmp_path):
    assert run("draw-shapes", "--output", "shapes.npz") is None
    assert run("train-magicpoint", "--shapes", "shapes.npz", "--output", "magicpoint/weights.safetensors") is None
    record = json.loads((tmp_path / "magicpoint" / "record.json").read_text())
    assert record["iterations"] == 20
    assert record["seconds"] > 0


def test_both_heads_train_on_labelled_squares(run, files):
    assert run("train-superpoint", *TRAIN, "--output", "superpoint/weights.safetensors") is None
    assert (files / "superpoint" / "weights.safetensors").exists()


def test_labels_of_other_squares_are_refused(run, files):
    write_labels(files, np.array([0]), np.zeros((1, 2, 2), np.float32), digest="0" * 64)
    error = run("train-superpoint", *TRAIN, "--output", "out/weights.safetensors")
    assert isinstance(error, UserError)
    assert "labels.npz: the labels are of other squares than crops.npz" in str(error)


@pytest.mark.parametrize(
    ("crop", "points"),
    [
        ([0, 9], (2, 2, 2)),
        ([0, -1], (2, 2, 2)),
        ([], (0, 2, 2)),
        ([0], (2, 2, 2)),
        ([0, 2], (2, 2)),
        ([0, 2], (2, 0, 2)),
    ],
)
def test_labels_that_do_not_fit_are_refused(run, files, crop, points):
    write_labels(files, np.array(crop, dtype=np.int64), np.zeros(points, np.float32))
    error = run("train-superpoint", *TRAIN, "--output", "out/weights.safetensors")
    assert isinstance(error, UserError)
    assert "don't fit" in str(error)
    assert not (files / "out" / "weights.safetensors").exists()


def test_squares_without_one_for_training_are_refused(run, files):
    write_crops(files / "crops.npz", np.zeros((2, 48, 48), np.uint8), ["test", "test"])
    error = run("label-photographs", *TRAIN[:2], *TRAIN[4:], "--output", "labels.npz")
    assert isinstance(error, UserError)
    assert "no square is for training" in str(error)


def test_squares_without_a_keypoint_are_refused(run, files):
    text = json.loads(bootstrap_step_settings(CONFIG, "label-photographs"))
    text["adaptation"]["threshold"] = 1.0
    error = run("label-photographs", *TRAIN[:2], *TRAIN[4:], "--output", "new.npz", settings=json.dumps(text))
    assert isinstance(error, UserError)
    assert "no keypoint in 3 squares of photographs; lower adaptation.threshold" in str(error)
    assert not (files / "new.npz").exists()


@pytest.mark.parametrize("content", ["{}", '{"iterations": "x"}', "[]"])
def test_a_record_of_something_else_is_refused(run, files, content):
    for name in ("magicpoint", "superpoint"):
        (files / name).mkdir()
        (files / name / "record.json").write_text(content)
        write_network(files / name / "weights.safetensors", new_network(0, torch.device("cpu")))
    (files / "photographs.csv").write_text("package,version,licence,split,used\na,1,MIT,train,yes\n")
    arguments = ("--trainings", ".", "--photographs", "photographs.csv", "--output", "weights")
    error = run("package-bootstrap-weights", *arguments)
    assert isinstance(error, UserError)
    assert "record.json: not" in str(error)
    assert not (files / "weights").exists()


def test_settings_and_a_file_at_once_are_refused(run, files):
    (files / "training.yaml").write_text("seed: 3\n")
    error = run("draw-shapes", "--config", "training.yaml", "--output", "shapes.npz")
    assert isinstance(error, UserError)
    assert "either --settings or --config" in str(error)
