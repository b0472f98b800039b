import json
import sys

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from landmark_discovery.cli import photographs
from landmark_discovery.errors import UserError

HIDDEN = "landmark_discovery.bootstrap_training.debian_"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on a folder of two photographs; it gives what the command raised."""
    monkeypatch.chdir(tmp_path)
    for seed in range(2):
        cells = np.random.default_rng(seed).integers(0, 256, (30, 40), dtype=np.uint8)
        (tmp_path / "mine").mkdir(exist_ok=True)
        cv2.imwrite(f"mine/{seed}.png", cells.repeat(4, axis=0).repeat(4, axis=1))
    app = typer.Typer(pretty_exceptions_enable=False)
    photographs.register(app)

    def run_command(*arguments):
        return CliRunner().invoke(app, arguments).exception

    return run_command


def test_photographs_are_collected_and_cut(run, tmp_path):
    keys = {"folder": "mine", "min_side_px": 100, "test_share": 0.0}
    collect = ("collect-photographs", "--packages", "packages", "--output", "out/collection")
    # Checks of several keys are for whole sections: this step doesn't know the other's least side.
    cut = ("cut-photographs", "--photographs", "out/collection", "--output", "out/crops.npz")
    less = json.dumps({"crops_per_photograph": 3, "crop_px": 50})

    assert run(*collect, "--settings", json.dumps(keys)) is None
    assert run(*cut, "--settings", less, "--seed", "1") is None
    with np.load("out/crops.npz") as crops:
        assert crops["images"].shape == (6, 50, 50)
        assert crops["photograph"].tolist() == [0, 0, 0, 1, 1, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("{", "not JSON"),
        ('{"pakages": []}', "did you mean 'packages'"),
        ('{"packages": ["-o=x"]}', "packages is"),
        ('{"min_side_px": 10}', "min_side_px is 10"),
        ('{"folder": "nowhere"}', "nowhere: no such folder"),
    ],
)
def test_wrong_settings_are_refused(run, tmp_path, settings, fault):
    error = run("collect-photographs", "--packages", "p", "--output", "out", "--settings", settings)

    assert isinstance(error, UserError)
    assert fault in str(error)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_squares_larger_than_photographs_are_refused_in_a_whole_section():
    whole = photographs.settings_of(None)

    assert whole == photographs.settings_of("{}")
    with pytest.raises(UserError, match="crop_px 600 exceeds min_side_px 480"):
        photographs.settings_of(json.dumps(whole.model_dump() | {"crop_px": 600}))


@pytest.fixture
def without_debian(monkeypatch):
    """Hide the library that reads Debian's packages."""
    for name in [name for name in sys.modules if name.startswith(("debian.", HIDDEN))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "debian", None)


@pytest.mark.usefixtures("without_debian")
def test_packages_without_the_library_that_reads_them_are_refused_and_a_folder_is_not(run):
    error = run("collect-photographs", "--packages", "packages", "--output", "out/collection")
    assert isinstance(error, UserError)
    assert "pip install --requirement envs/requirements-bootstrap-training.txt" in str(error)
    keys = json.dumps({"folder": "mine", "min_side_px": 100, "test_share": 0.0, "crop_px": 50})
    assert run("collect-photographs", "--packages", "p", "--output", "out/mine", "--settings", keys) is None
