import hashlib
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from landmark_discovery.cli import photographs
from landmark_discovery.config.photographs import COLLECT_KEYS, CUT_KEYS, PhotographSettings, keys_json
from landmark_discovery.errors import UserError

HIDDEN = "landmark_discovery.bootstrap_training.debian_"
COLLECT = ("collect-photographs", "--packages", "packages", "--output", "out/collection")
CUT = ("cut-photographs", "--photographs", "out/collection", "--output", "out/crops.npz")


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


def share_between():
    """Give a share that puts one of the two photographs on either side of the split."""
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in Path("mine").iterdir()]
    return sum(int(digest[-16:], 16) / 2**64 for digest in digests) / 2


def collect_settings(**keys):
    return json.dumps(
        {"packages": [], "folder": "mine", "min_side_px": 100, "min_texture": 0.1, "test_share": share_between()} | keys
    )


def cut_settings(**keys):
    return json.dumps({"crop_px": 56, "crops_per_photograph": 3, "min_texture": 0.1} | keys)


def test_photographs_are_collected_and_cut(run, tmp_path):
    assert run(*COLLECT, "--settings", collect_settings()) is None
    assert run(*CUT, "--settings", cut_settings(), "--seed", "1") is None

    with np.load("out/crops.npz") as crops:
        assert crops["images"].shape == (6, 56, 56)
        assert crops["photograph"].tolist() == [0, 0, 0, 1, 1, 1]
        assert sorted(crops["split"].tolist()) == ["test"] * 3 + ["train"] * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"pakages": []}, "unknown key 'pakages'; did you mean 'packages'?"),
        ({"packages": ["-o=x"]}, "packages is ['-o=x']; needed: packages, folder,"),
        ({"folder": None}, "photographs: neither packages nor a folder"),
        ({"folder": ""}, "photographs: folder is empty"),
        ({"folder": "nowhere"}, "nowhere: no such folder; set `photographs.folder`"),
        ({"folder": "a\0b"}, "no such folder"),
        ({"folder": "mine/0.png"}, "mine/0.png: not a folder"),
        ({"folder": "."}, "out/collection: the collection would take the place of ., contain it or lie in it"),
        ({"folder": None, "packages": ["gone"]}, "the package gone isn't there, and no apt-get fetches it"),
        ({"min_side_px": 10}, "min_side_px is 10"),
        ({"min_side_px": 200}, "2 images were looked at, 0 count"),
        ({"min_texture": "much"}, "min_texture is 'much'"),
        ({"test_share": 0}, "test_share is 0"),
        ({"test_share": 1.0}, "test_share is 1.0"),
    ],
)
def test_wrong_settings_of_collecting_are_one_line_and_leave_nothing(run, tmp_path, monkeypatch, keys, fault):
    monkeypatch.setenv("PATH", "")
    error = run(*COLLECT, "--settings", collect_settings(**keys))

    assert isinstance(error, UserError)
    assert fault in str(error)
    assert "\n" not in str(error)
    assert "--config" not in str(error)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["0.png", "1.png"]


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        ("mine", "mine: the collection would take the place of mine, contain it or lie in it; write into another"),
        ("mine/new", "would take the place of mine"),
        (".", "the collection would take the place of packages, contain it or lie in it"),
        ("packages", "would take the place of packages"),
        ("other", "other: holds what isn't known for an earlier result"),
        ("other/notes.txt", "other/notes.txt: a file, not a folder"),
        ("other/notes.txt/out", "can't be written (other/notes.txt is a file, not a folder)"),
    ],
)
def test_outputs_that_would_cost_the_user_files_are_one_line_and_leave_all(run, tmp_path, output, fault):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine", encoding="utf-8")
    arguments = ("collect-photographs", "--packages", "packages", "--output", output)
    error = run(*arguments, "--settings", collect_settings())

    assert isinstance(error, UserError)
    assert fault in str(error)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["0.png", "1.png", "mine", "notes.txt", "other"]


def test_a_file_in_place_of_the_packages_folder_is_refused(run):
    Path("packages").write_text("", encoding="utf-8")
    error = run(*COLLECT)

    assert isinstance(error, UserError)
    assert "(packages is a file, not a folder)" in str(error)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"crops": 3}, "unknown key 'crops'"),
        (
            {"crop_px": 52},
            "crop_px is 52; needed: crop_px, crops_per_photograph, min_texture; workflow/bootstrap_training",
        ),
        ({"crop_px": 40}, "crop_px is 40"),
        ({"crop_px": 128}, "160 x 120 pixels; squares need 128; lower `photographs.crop_px`"),
        ({"crops_per_photograph": 0}, "crops_per_photograph is 0"),
        ({"crops_per_photograph": 10**7}, "are held; lower `photographs.crops_per_photograph`"),
        ({"min_texture": 2}, "min_texture is 2"),
    ],
)
def test_wrong_settings_of_cutting_are_one_line_and_leave_nothing(run, keys, fault):
    assert run(*COLLECT, "--settings", collect_settings()) is None
    error = run(*CUT, "--settings", cut_settings(**keys))

    assert isinstance(error, UserError)
    assert fault in str(error)
    assert "\n" not in str(error)
    assert "--config" not in str(error)
    assert [path.name for path in Path("out").iterdir()] == ["collection"]


def test_what_is_no_collection_or_lacks_a_photograph_is_refused(run):
    for folder, fault in (("mine", "mine/photographs.csv: no such file"), ("mine/0.png", "Not a directory")):
        error = run("cut-photographs", "--photographs", folder, "--output", "out/crops.npz")
        assert isinstance(error, UserError)
        assert fault in str(error)

    assert run(*COLLECT, "--settings", collect_settings()) is None
    Path("out/collection/1.png").write_bytes(b"")
    error = run(*CUT, "--settings", cut_settings())
    assert str(error) == (
        "out/collection/1.png: the file is empty; leave it out of the folder, and collect the photographs anew"
    )


@pytest.mark.parametrize("command", [COLLECT, CUT])
def test_texts_that_are_no_settings_are_refused(run, command):
    for text, fault in (("{", "not JSON"), ("[]", "not a JSON object"), ("{}", "is missing; needed: ")):
        error = run(*command, "--settings", text)
        assert isinstance(error, UserError)
        assert str(error).startswith("--settings: ")
        assert fault in str(error)
        assert "needed: " in str(error)


@pytest.mark.parametrize(("keys", "foreign"), [(COLLECT_KEYS, "crop_px"), (CUT_KEYS, "packages")])
def test_a_step_reads_its_own_keys_alone(keys, foreign):
    defaults = photographs.settings_of(None, keys)

    assert defaults == photographs.settings_of(keys_json(PhotographSettings(), keys), keys)
    assert [getattr(defaults, key) for key in keys] == [getattr(PhotographSettings(), key) for key in keys]
    with pytest.raises(AttributeError):
        getattr(defaults, foreign)


def test_squares_larger_than_photographs_are_refused_in_a_whole_section():
    whole = PhotographSettings().model_dump()

    assert photographs.settings_of(json.dumps(whole), CUT_KEYS) == PhotographSettings()
    with pytest.raises(UserError, match="crop_px 600 exceeds min_side_px 480"):
        photographs.settings_of(json.dumps(whole | {"crop_px": 600}), CUT_KEYS)


@pytest.fixture
def without_debian(monkeypatch):
    """Hide the library that reads Debian's packages."""
    for name in [name for name in sys.modules if name.startswith(("debian.", HIDDEN))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "debian", None)


@pytest.mark.usefixtures("without_debian")
def test_packages_without_the_library_that_reads_them_are_refused_and_a_folder_is_not(run):
    error = run(*COLLECT)
    assert isinstance(error, UserError)
    assert "pip install --requirement envs/requirements-bootstrap-training.txt" in str(error)
    assert run(*COLLECT, "--settings", collect_settings()) is None
