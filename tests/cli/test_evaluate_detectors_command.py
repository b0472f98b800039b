import numpy as np
import pandas as pd
import pytest
import torch
import typer
from typer.testing import CliRunner

from landmark_discovery.cli import keypoint_evaluation
from landmark_discovery.data.store import ImageStore, write_store
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_npz
from landmark_discovery.threads import CPU_THREADS

SMALL = '{"face_size_px": 64, "pairs_per_image": 1, "max_images": 2}'


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    keypoint_evaluation.register(app)

    # With one command alone, its name would be no part of the line.
    @app.command()
    def another():
        pass

    def invoke(*arguments):
        line = ["evaluate-detectors", "--detector", "sift", "--output", str(tmp_path / "out"), *map(str, arguments)]
        return CliRunner().invoke(app, line, catch_exceptions=True)

    return invoke


@pytest.fixture
def photographs(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64), dtype=np.uint8)
    arrays = {"images": images, "photograph": np.arange(4), "split": np.array(["train", "test", "test", "test"])}
    write_npz(tmp_path / "crops.npz", arrays)
    return tmp_path / "crops.npz"


@pytest.fixture
def store(tmp_path, build_store):
    images = list(np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8))
    built = build_store(images, [(4, 4, 44, 44)] * 3, splits=["train", "test", "test"])
    points = np.full((3, 2, 2), 20.0)
    write_store(tmp_path / "store", ImageStore(built.images, built.samples, points, {}))
    return tmp_path / "store"


def test_it_writes_tables_and_shows_them(run, store, photographs, tmp_path):
    result = run("--store", store, "--photographs", photographs, "--settings", SMALL)
    assert result.exit_code == 0
    table = pd.read_csv(tmp_path / "out" / "detectors.csv")
    assert set(table["images"]) == {"faces", "photographs"}
    assert set(table["num_images"]) == {2}
    assert list(pd.read_csv(tmp_path / "out" / "parts.csv")["detector"]) == ["sift"]
    assert (tmp_path / "out" / "detectors.md").read_text(encoding="utf-8") in result.stdout


@pytest.mark.parametrize(("given", "threads"), [((), CPU_THREADS), (("--cpu-threads", 1), 1)])
def test_networks_run_with_as_many_threads_as_are_given(run, photographs, monkeypatch, given, threads):
    seen = []

    def evaluate(*_):
        seen.append(torch.get_num_threads())
        raise UserError("enough")

    monkeypatch.setattr("landmark_discovery.keypoint_evaluation.evaluate.evaluate", evaluate)
    run("--photographs", photographs, "--device", "cpu", *given)
    assert seen == [threads]


def test_a_file_in_the_place_of_the_tables_is_told_before_anything_is_measured(run, tmp_path):
    (tmp_path / "out").touch()
    result = run("--photographs", "nowhere.npz")
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith(f"{tmp_path / 'out'}: a file, not a folder")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no images to measure on"),
        (("--settings", '{"max_keypoint": 3}'), "did you mean 'max_keypoints'"),
        (("--settings", '{"max_keypoints": 0}'), "max_keypoints is 0; allowed: a whole number from 1"),
        (("--detector", "superpoint"), "write superpoint=superpoint_v1.pth"),
        (("--detector", "surf"), "unknown detector 'surf'"),
        (("--photographs", "nowhere.npz"), "nowhere.npz: no such file"),
        (("--store", "nowhere"), "nowhere: not a prepared data set"),
    ],
)
def test_faults_are_told_and_nothing_is_written(run, tmp_path, arguments, told):
    result = run(*arguments)
    assert isinstance(result.exception, UserError)
    assert told in str(result.exception)
    assert not (tmp_path / "out").exists()
