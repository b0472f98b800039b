from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.keypoint_evaluation.detectors import DetectorChoice, make_extractors, parse_detectors
from landmark_discovery.keypoint_evaluation.features import SiftFeatures, SuperPointFeatures
from landmark_discovery.models.superpoint import SuperPoint

SETTINGS = KeypointEvaluationSettings()


def weights(folder, name):
    path = folder / name
    parameters = SuperPoint().state_dict()
    torch.save(parameters, path) if name.endswith(".pth") else save_file(parameters, path)
    return path


def test_names_and_files_are_told_apart():
    items = ["sift", "superpoint=a/v1.pth", "superpoint-open", "superpoint-open=b=c.safetensors"]
    assert parse_detectors(items) == [
        DetectorChoice("sift"),
        DetectorChoice("superpoint", Path("a/v1.pth")),
        DetectorChoice("superpoint-open"),
        DetectorChoice("superpoint-open", Path("b=c.safetensors")),
    ]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([], "no detector"),
        (["surf"], "unknown detector 'surf'.*valid: sift, superpoint, superpoint-open"),
        (["superpont=a.pth"], "did you mean 'superpoint'"),
        (["sift=a.pth"], "SIFT has no weights"),
        (["superpoint-open="], "names no file"),
        (["sift", "sift"], "'sift' is there twice"),
        (["superpoint=a.pth", "superpoint=a.pth"], "twice"),
    ],
)
def test_what_cannot_be_measured_is_refused(items, told):
    with pytest.raises(UserError, match=told):
        parse_detectors(items)


def test_a_detector_that_is_there_once_has_its_own_name(tmp_path):
    items = [
        "sift",
        f"superpoint={weights(tmp_path, 'v1.pth')}",
        f"superpoint-open={weights(tmp_path, 'a.safetensors')}",
    ]
    extractors = make_extractors(parse_detectors(items), SETTINGS, "cpu")
    assert list(extractors) == ["sift", "superpoint", "superpoint-open"]
    assert [type(extractor) for extractor in extractors.values()] == [
        SiftFeatures,
        SuperPointFeatures,
        SuperPointFeatures,
    ]


def test_several_weights_of_one_detector_are_named_by_their_files(tmp_path):
    items = [f"superpoint-open={weights(tmp_path, name)}" for name in ("first.safetensors", "second.safetensors")]
    extractors = make_extractors(parse_detectors(items), SETTINGS, "cpu")
    assert list(extractors) == ["superpoint-open (first)", "superpoint-open (second)"]


def test_files_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    items = [f"superpoint-open={weights(tmp_path / folder, 'w.safetensors')}" for folder in ("a", "b")]
    with pytest.raises(UserError, match=r"two detectors would be called 'superpoint-open \(w\)'"):
        make_extractors(parse_detectors(items), SETTINGS, "cpu")


def test_missing_weights_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"gone\.safetensors"):
        make_extractors([DetectorChoice("superpoint-open", tmp_path / "gone.safetensors")], SETTINGS, "cpu")
    with pytest.raises(UserError, match=r"--detector: SuperPoint needs .*; write superpoint=superpoint_v1\.pth"):
        make_extractors(parse_detectors(["superpoint"]), SETTINGS, "cpu")
