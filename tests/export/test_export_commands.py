import json
import sys

import cv2
import numpy as np
import pytest

from landmark_discovery.cli import main as command_line
from landmark_discovery.data.store import write_store
from landmark_discovery.training.weights import save_weights

pytest.importorskip("onnxruntime")


@pytest.fixture
def landmarks(monkeypatch, capfd):
    """Run a command in this process, where the exporter is loaded already; give its exit status and what it said."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["landmarks", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            command_line.main()
        return end.value.code, *capfd.readouterr()

    return run


@pytest.fixture
def packaged(model, store, tmp_path):
    """Write a model file and a store."""
    use = {
        "cut": vars(model.rule),
        "frame_px": list(model.frame_px),
        "decoding": {"subpixel": True, "average_turned_views": False, "shape_prior": True},
        "about": dict(model.about),
    }
    weights = type(model.weights)(model.weights.network, model.weights.extras, {**model.weights.facts, "use": use})
    save_weights(tmp_path / "model.safetensors", weights)
    write_store(tmp_path / "store", store)
    return tmp_path


def test_a_model_becomes_onnx_that_is_checked(landmarks, packaged, onnx_file):
    status, _, said = landmarks(
        "export-onnx", "--model", packaged / "model.safetensors", "--output", packaged / "model.onnx"
    )
    assert (status, said) == (0, "")
    assert (packaged / "model.onnx").read_bytes() == onnx_file.read_bytes()
    given = ("--onnx", packaged / "model.onnx", "--model", packaged / "model.safetensors")
    status, printed, _ = landmarks(
        "check-onnx", *given, "--store", packaged / "store", "--output", packaged / "check.json"
    )
    assert status == 0
    assert printed.startswith("2 images: ONNX and PyTorch differ by at most ")
    assert json.loads((packaged / "check.json").read_text(encoding="utf-8"))["beyond_limit"] == 0


def test_too_large_a_difference_is_an_error_that_leaves_its_figures(landmarks, packaged, build_model, onnx_file):
    other = build_model(seed=1)
    known = {**other.weights.facts, "use": {"cut": vars(other.rule), "frame_px": [90, 80], "decoding": {}, "about": {}}}
    save_weights(
        packaged / "other.safetensors", type(other.weights)(other.weights.network, other.weights.extras, known)
    )
    given = ("--onnx", onnx_file, "--model", packaged / "other.safetensors", "--store", packaged / "store")
    status, _, said = landmarks("check-onnx", *given, "--output", packaged / "check.json")
    assert status == 2
    assert ".png' most; at most 0.1 px are allowed" in said
    assert json.loads((packaged / "check.json").read_text(encoding="utf-8"))["beyond_limit"] > 0


def test_a_page_is_written_with_its_example(landmarks, onnx_file, runtime_folder, tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((8, 8, 3), 99, dtype=np.uint8))
    given = ("--onnx", onnx_file, "--runtime", runtime_folder, "--output", tmp_path / "page.html")
    status, _, said = landmarks("export-page", *given, "--example", tmp_path / "grey.png", "--example-box", "1,2,7,8")
    assert (status, said) == (0, "")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '"name": "grey.png"' in text
    assert '"box": [1.0, 2.0, 7.0, 8.0]' in text


@pytest.mark.parametrize("box", ["1,2,3", "1,2,x,8", "7,2,1,8", "-1,2,7,8", "1,2,inf,8", "nan,2,7,8"])
def test_a_box_of_the_example_that_is_none_is_refused(landmarks, onnx_file, runtime_folder, tmp_path, box):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((8, 8, 3), 99, dtype=np.uint8))
    given = ("--onnx", onnx_file, "--runtime", runtime_folder, "--output", tmp_path / "page.html")
    status, _, said = landmarks("export-page", *given, "--example", tmp_path / "grey.png", "--example-box", box)
    assert status == 2
    assert "--example-box" in said
    assert not (tmp_path / "page.html").exists()


def test_a_box_without_an_example_is_refused(landmarks, onnx_file, runtime_folder, tmp_path):
    given = ("--onnx", onnx_file, "--runtime", runtime_folder, "--output", tmp_path / "page.html")
    status, _, said = landmarks("export-page", *given, "--example-box", "1,2,7,8")
    assert status == 2
    assert "a box without a picture" in said
