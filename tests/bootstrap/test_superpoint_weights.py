import pytest
import torch
from fake_superpoint import random_parameters
from safetensors.torch import save_file

from landmark_discovery.bootstrap.factory import make_detector
from landmark_discovery.bootstrap.weights import load_superpoint
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.config.published import SUPERPOINT
from landmark_discovery.downloads.sources import read_sources
from landmark_discovery.errors import UserError


def one_line(error):
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture
def saved(tmp_path):
    """Save weights in the old format that the original file has."""
    path = tmp_path / "superpoint_v1.pth"
    torch.save(random_parameters(), path, _use_new_zipfile_serialization=False)
    return path


def test_weights_are_loaded_by_name(saved):
    loaded = load_superpoint(saved).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in random_parameters().items())


def wrong(path, change):
    weights = torch.load(path, weights_only=True)
    torch.save(change(weights), path)


def without(weights, name):
    return {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda weights: without(weights, "convPb.bias"), "1 parameters are missing, 'convPb.bias' first"),
        (lambda weights: weights | {"bn1.weight": torch.zeros(1)}, "1 parameters are unknown, 'bn1.weight' first"),
        (lambda weights: weights | {"conv1a.bias": torch.zeros(3)}, r"'conv1a.bias' has the shape \(3,\), not \(64,\)"),
        (
            lambda weights: weights | {"conv2a.bias": torch.full((64,), torch.nan)},
            "'conv2a.bias' holds numbers that aren't finite",
        ),
        (lambda weights: {"state_dict": weights}, "something else than named tensors"),
        (lambda _: [1, 2], "something else than named tensors"),
    ],
)
def test_other_weights_are_refused(saved, change, reason):
    wrong(saved, change)
    with pytest.raises(UserError, match=reason) as error:
        load_superpoint(saved)
    assert one_line(error).startswith(f"{saved}: not SuperPoint's weights")


@pytest.mark.parametrize("kept_bytes", [0, 10, 5_000, 2_000_000])
def test_half_a_file_is_refused(saved, kept_bytes):
    saved.write_bytes(saved.read_bytes()[:kept_bytes])
    with pytest.raises(UserError, match="not SuperPoint's weights") as error:
        load_superpoint(saved)
    source = read_sources()[SUPERPOINT]
    for part in (
        "`landmarks download superpoint_v1.pth`",
        "put it at resources/downloads/superpoint_v1.pth",
        *source.addresses,
        str(source.digest),
        "non-commercial research only",
    ):
        assert part in one_line(error)


def test_a_web_page_under_the_name_is_told(saved):
    saved.write_text("\n<!DOCTYPE html><html>Too many requests</html>")
    with pytest.raises(UserError, match="a web page saved under the weights' name"):
        load_superpoint(saved)


@pytest.mark.parametrize("name", ["superpoint_v1.pth", "renamed.bin"])
def test_a_safetensors_file_is_told_whatever_its_name(tmp_path, name):
    save_file(random_parameters(), tmp_path / name)
    with pytest.raises(UserError, match=r"it is a safetensors file, not a file of torch \(.pth\)"):
        load_superpoint(tmp_path / name)


def test_a_renamed_file_is_read_by_what_it_holds(saved):
    load_superpoint(saved.rename(saved.with_name("mine.bin")))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match="No such file") as error:
        load_superpoint(tmp_path / "nowhere.pth")
    assert "sift" in one_line(error)


def test_the_configured_detector_is_made(saved):
    assert make_detector(BootstrapSettings(detector="superpoint"), saved, 64, "cpu").name == "superpoint"
    assert make_detector(BootstrapSettings(detector="sift"), None, 64, "cpu").name == "sift"


def test_superpoint_without_weights_is_refused():
    with pytest.raises(UserError, match=r"bootstrap\.detector: SuperPoint needs its weights' file; give the path of"):
        make_detector(BootstrapSettings(detector="superpoint"), None, 64, "cpu")


def test_an_unknown_detector_is_refused_with_the_nearest_name():
    settings = BootstrapSettings().model_copy(update={"detector": "shift"})
    with pytest.raises(UserError, match="did you mean 'sift'"):
        make_detector(settings, None, 64, "cpu")
