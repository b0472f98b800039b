import hashlib
import json

import cv2
import numpy as np
import pytest
import torch
from fake_superpoint import random_parameters
from hypothesis import given
from mutations import damaged_bytes, fuzz
from safetensors.torch import save, save_file

from landmark_discovery.bootstrap import weights as loading
from landmark_discovery.bootstrap.factory import make_detector
from landmark_discovery.bootstrap.packaged import package_folder, packaged_digest, require_digest, require_packaged
from landmark_discovery.bootstrap.weights import load_superpoint_open
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.keypoint_evaluation.features import SuperPointFeatures
from landmark_discovery.models.superpoint import NormalisedSuperPoint

WEIGHTS, DIGEST = "superpoint_open.safetensors", "superpoint_open.sha256"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.safetensors"


@pytest.fixture
def folder(tmp_path):
    """Make a folder such as the package's, with its weights in float16 and their digest."""
    content = save({name: value.half() for name, value in random_parameters().items()})
    (tmp_path / WEIGHTS).write_bytes(content)
    (tmp_path / DIGEST).write_text(f"{hashlib.sha256(content).hexdigest()}  {WEIGHTS}\n", encoding="utf-8")
    return tmp_path


def refused(path):
    with pytest.raises(UserError) as error:
        load_superpoint_open(path)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: not weights for superpoint-open (")
    assert "give a safetensors file with SuperPoint's parameters, or none to take the package's own" in message
    return message


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_of_any_float_type_become_float32(path, kind):
    saved = {name: value.to(kind) for name, value in random_parameters().items()}
    save_file(saved, path)
    loaded = load_superpoint_open(path).state_dict()
    assert {value.dtype for value in loaded.values()} == {torch.float32}
    assert all(torch.equal(loaded[name], value.float()) for name, value in saved.items())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"convPb.bias": None}, "1 parameters are missing, 'convPb.bias' first"),
        ({"bn1.weight": torch.zeros(1)}, "1 parameters are unknown, 'bn1.weight' first"),
        ({"conv1a.bias": torch.zeros(3)}, "'conv1a.bias' has the shape (3,), not (64,)"),
        ({"conv1a.bias": torch.zeros(64, dtype=torch.int32)}, "something else than named tensors"),
        ({"conv2a.bias": torch.full((64,), torch.nan)}, "'conv2a.bias' holds numbers that aren't finite"),
        # Infinite in float32.
        (
            {"conv2a.bias": torch.full((64,), 1e300, dtype=torch.float64)},
            "'conv2a.bias' holds numbers that aren't finite",
        ),
    ],
)
def test_other_parameters_are_refused(path, change, reason):
    changed = {name: value for name, value in {**random_parameters(), **change}.items() if value is not None}
    save_file(changed, path)
    assert reason in refused(path)


def test_weights_of_another_program_are_refused(path):
    save_file({"network.0.weight": torch.zeros(3, 3)}, path)
    assert "24 parameters are missing, 'conv1a.bias' first" in refused(path)


def test_the_trainings_own_network_is_told_apart(path):
    save_file(NormalisedSuperPoint().state_dict(), path)
    with pytest.raises(UserError) as error:
        load_superpoint_open(path)
    assert str(error.value) == (
        f"{path}: not weights for superpoint-open (it is the training's own network); "
        "take weights/superpoint_open.safetensors, which the training makes of it"
    )
    save_file(NormalisedSuperPoint().folded().state_dict(), path)
    load_superpoint_open(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["superpoint_v1.pth", "renamed.safetensors"])
def test_a_file_of_torch_is_told_whatever_its_name(tmp_path, name, zipped):
    torch.save(random_parameters(), tmp_path / name, _use_new_zipfile_serialization=zipped)
    message = refused(tmp_path / name)
    assert "it is a file of torch (.pth), not a safetensors file" in message
    assert "superpoint_v1.pth belongs to the detector `superpoint`" in message


@pytest.mark.parametrize("kept_bytes", [0, 5, 12, 1_000, 2_000_000])
def test_half_a_file_is_refused(path, kept_bytes):
    path.write_bytes(save(random_parameters())[:kept_bytes])
    assert "damaged, cut short, or of another format" in refused(path)


def test_a_web_page_under_the_name_is_told(path):
    path.write_text("\n<!DOCTYPE html><html>Too many requests</html>")
    assert "a web page saved under the weights' name" in refused(path)


def test_a_header_whose_length_begins_like_a_web_page_is_none(path):
    # 60 is "<"; spaces after the JSON fill the header up.
    content = save(random_parameters())
    length = int.from_bytes(content[:8], "little")
    filled = length + (60 - length) % 256
    header = content[8 : 8 + length] + b" " * (filled - length)
    path.write_bytes(filled.to_bytes(8, "little") + header + content[8 + length :])
    assert path.read_bytes().startswith(b"<")
    load_superpoint_open(path)


def test_a_missing_file_is_told(path):
    assert "can't be read: No such file" in refused(path)


def test_a_folder_is_told(tmp_path):
    assert "can't be read: Is a directory" in refused(tmp_path)


@given(damaged=damaged_bytes(save({"conv1a.bias": torch.zeros(64)})))
@fuzz(100)
def test_fuzzed_weights_are_refused(tmp_path_factory, damaged):
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    path.write_bytes(damaged)
    refused(path)


def test_weights_of_the_user_are_taken_instead_of_the_packages(path):
    save_file(random_parameters(), path)
    detector = make_detector(BootstrapSettings(detector="superpoint-open"), path, 64, "cpu")
    assert detector.name == "superpoint-open"


def test_without_a_path_the_packages_weights_are_loaded(folder, monkeypatch):
    monkeypatch.setattr(loading, "package_folder", lambda: folder)
    loaded = load_superpoint_open().state_dict()
    assert torch.equal(loaded["conv1a.bias"], random_parameters()["conv1a.bias"].half().float())
    assert make_detector(BootstrapSettings(detector="superpoint-open"), None, 64, "cpu").name == "superpoint-open"


def change_a_byte(folder):
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (change_a_byte, "not the weights that come with the package (their sha256 is "),
        (lambda folder: (folder / DIGEST).write_text("00ff"), ", not 00ff)"),
        (
            lambda folder: (folder / DIGEST).unlink(),
            "superpoint_open.sha256, which tells what it should be, isn't beside",
        ),
        (lambda folder: (folder / DIGEST).write_bytes(b""), "superpoint_open.sha256, which tells"),
        (lambda folder: (folder / DIGEST).write_bytes(b"\xff"), "superpoint_open.sha256, which tells"),
        (lambda folder: (folder / WEIGHTS).unlink(), "can't be read (No such file or directory)"),
    ],
)
def test_a_package_whose_weights_changed_is_refused(folder, monkeypatch, damage, reason):
    damage(folder)
    monkeypatch.setattr(loading, "package_folder", lambda: folder)
    with pytest.raises(UserError) as error:
        load_superpoint_open()
    message = str(error.value)
    assert message.startswith(f"{folder / WEIGHTS}: ")
    assert reason in message
    assert "install the package anew, or choose the detector `sift`" in message


def test_the_digest_is_the_first_word_in_small_letters(folder):
    require_packaged(folder)
    digest = packaged_digest(folder)
    (folder / DIGEST).write_text(f"\n{digest.upper()}", encoding="utf-8")
    assert packaged_digest(folder) == digest
    require_packaged(folder)


def test_the_packages_own_weights_are_whole_and_small():
    load_superpoint_open()
    assert len(package_folder().joinpath(WEIGHTS).read_bytes()) < 3_000_000


def test_weights_of_another_installation_are_refused(folder):
    require_digest(folder, packaged_digest(folder))
    with pytest.raises(UserError, match=r"the workflow's has abc; build the image anew"):
        require_digest(folder, "abc")


def test_card_and_record_come_with_the_package_and_tell_of_these_weights():
    digest = packaged_digest(package_folder())
    record = json.loads(package_folder().joinpath("superpoint_open.json").read_text(encoding="utf-8"))
    assert record["sha256"] == digest
    assert digest in package_folder().joinpath("superpoint_open.md").read_text(encoding="utf-8")


def test_the_packages_own_weights_find_a_turned_picture_again():
    picture = textured_picture(128)
    turned = np.ascontiguousarray(np.rot90(picture))  # x' = y, y' = 127 - x
    network = load_superpoint_open().eval()
    features = SuperPointFeatures(network, KeypointEvaluationSettings(max_keypoints=50))
    first, second = features.extract(picture), features.extract(turned)
    places = np.stack([first.points[:, 1], 127 - first.points[:, 0]], axis=1)
    distances = np.linalg.norm(places[:, None] - second.points, axis=2).min(axis=1)
    assert np.mean(distances <= 3) > 0.5


def textured_picture(size_px):
    cells = np.random.default_rng(0).integers(0, 256, (size_px // 16, size_px // 16)).astype(np.uint8)
    return cv2.resize(cells, (size_px, size_px), interpolation=cv2.INTER_NEAREST)
