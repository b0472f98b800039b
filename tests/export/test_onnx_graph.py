import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from landmark_discovery.data.cutting import CutRule
from landmark_discovery.errors import UserError
from landmark_discovery.export import onnx_graph
from landmark_discovery.export.onnx_check import pytorch_landmarks
from landmark_discovery.export.onnx_graph import OPSET, LandmarkGraph, export_onnx, read_onnx
from landmark_discovery.geometry import crop_to_image
from landmark_discovery.inference import detector
from landmark_discovery.models.layout import channels_last

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def inputs_of(store, indices):
    crops, sizes = store.crop_in_store()[indices], store.stored_size[indices]
    return np.array(store.images[indices]), sizes.astype(np.float32), crops.astype(np.float32)


def run(exported, *arrays):
    session = onnxruntime.InferenceSession(exported.content, providers=["CPUExecutionProvider"])
    return session.run(["landmarks", "scores"], dict(zip(("images", "sizes", "crops"), arrays, strict=True)))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"subpixel": False},
        {"average_turned_views": True},
        {"flip_map": (-1, 0, 0)},
        {"shape_prior": False},
        {"average_turned_views": True, "subpixel": False},
        {"convention": "authors", "subpixel": False, "shape_prior": False},
    ],
    ids=str,
)
def test_the_graph_finds_what_the_pipeline_finds(build_model, store, settings):
    model, everything = build_model(**settings), np.arange(len(store))
    with torch.inference_mode():
        points, scores = LandmarkGraph(model)(*map(torch.from_numpy, inputs_of(store, everything)))
    size = store.stored_size[:, None]
    offset = model.weights.convention.first_centre
    landmarks = crop_to_image(points.numpy(), store.rectangle("window"), size) + offset
    expected, expected_scores = pytorch_landmarks(model, store, everything)
    np.testing.assert_allclose(landmarks, expected, atol=1e-3)
    np.testing.assert_allclose(scores.numpy(), expected_scores, atol=1e-5)


def test_onnxruntime_finds_what_pytorch_finds_in_one_image_or_many(exported, model, store):
    with torch.inference_mode():
        expected, scores = LandmarkGraph(model)(*map(torch.from_numpy, inputs_of(store, np.arange(3))))
    for indices in ([0], [2], [0, 1, 2]):
        found = run(exported, *inputs_of(store, np.array(indices)))
        np.testing.assert_allclose(found[0], expected[indices], atol=1e-3)
        np.testing.assert_allclose(found[1], scores[indices], atol=1e-5)


def test_the_array_around_an_image_makes_no_difference(exported, store):
    images, sizes, crops = inputs_of(store, np.array([2]))
    width, height = sizes[0].astype(int)
    tight = run(exported, np.ascontiguousarray(images[:, :height, :width]), sizes, crops)
    np.testing.assert_allclose(tight[0], run(exported, images, sizes, crops)[0], atol=1e-3)


@pytest.mark.slow
def test_turned_views_are_in_the_file_too(build_model, store, tmp_path):
    model = build_model(average_turned_views=True, flip_map=(-1, 0, 0))
    export_onnx(model, tmp_path / "turned.onnx")
    with torch.inference_mode():
        expected, _ = LandmarkGraph(model)(*map(torch.from_numpy, inputs_of(store, np.arange(3))))
    found, _ = run(read_onnx(tmp_path / "turned.onnx"), *inputs_of(store, np.arange(3)))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_inputs_and_outputs_have_names_kinds_and_open_sizes(exported):
    session = onnxruntime.InferenceSession(exported.content, providers=["CPUExecutionProvider"])
    assert [(one.name, one.type, one.shape) for one in (*session.get_inputs(), *session.get_outputs())] == [
        ("images", "tensor(uint8)", ["batch", "height", "width", 3]),
        ("sizes", "tensor(float)", ["batch", 2]),
        ("crops", "tensor(float)", ["batch", 4]),
        ("landmarks", "tensor(float)", ["batch", 3, 2]),
        ("scores", "tensor(float)", ["batch", 3]),
    ]
    parsed = onnx.load_model_from_string(exported.content)
    onnx.checker.check_model(parsed, full_check=True)
    assert [(entry.domain, entry.version) for entry in parsed.opset_import] == [("", OPSET)]


def test_the_file_says_how_it_is_used(exported, model):
    assert (exported.num_landmarks, exported.rule, exported.offset_px) == (3, CutRule("margin", 0.1, 0.5, 64), 0.0)
    assert exported.about == model.about
    (entry,) = onnx.load_model_from_string(exported.content).metadata_props
    facts = json.loads(entry.value)
    assert (facts["flip_map"], facts["input_size_px"], facts["subpixel"]) == ([2, 1, 0], 32, True)


def test_the_file_tells_nothing_of_this_machine(exported):
    for trace in ("stack_trace", "site-packages", ".py", str(Path(__file__).parents[2])):
        assert trace.encode() not in exported.content


@pytest.mark.slow
def test_equal_models_are_equal_files_whatever_was_exported_or_predicted_before(exported, build_model, store, tmp_path):
    export_onnx(build_model(subpixel=False), tmp_path / "other.onnx")
    model = build_model()
    channels_last(model.weights.network)
    pytorch_landmarks(model, store, np.arange(3))
    export_onnx(model, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == exported.content


def test_nothing_is_left_where_no_file_can_be_written(model, exported, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "_exported", lambda _: onnx.load_model_from_string(exported.content))
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="is a file, not a folder"):
        export_onnx(model, tmp_path / "file" / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def described(content, text):
    parsed = onnx.load_model_from_string(content)
    parsed.ClearField("metadata_props")
    if text is not None:
        entry = parsed.metadata_props.add()
        entry.key, entry.value = "landmark-discovery", text
    return parsed.SerializeToString()


def test_files_that_are_not_ours_are_refused(exported, tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(UserError, match="can't be read"):
        read_onnx(path)
    path.write_bytes(b"no ONNX at all")
    with pytest.raises(UserError, match="not an ONNX file, or a damaged one"):
        read_onnx(path)
    path.write_bytes(exported.content[: len(exported.content) // 2])
    with pytest.raises(UserError, match="not an ONNX file, or a damaged one"):
        read_onnx(path)
    path.write_bytes(described(exported.content, None))
    with pytest.raises(UserError, match="an ONNX file, but not one of ours"):
        read_onnx(path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"num_landmarks": 3, "cut": {"crop_rule": "oval"}}'])
def test_a_description_that_cannot_be_read_is_named(exported, tmp_path, text):
    path = tmp_path / "model.onnx"
    path.write_bytes(described(exported.content, text))
    with pytest.raises(UserError, match="description of how to use it can't be read"):
        read_onnx(path)


@pytest.mark.parametrize("scale", [1.0, 0.2], ids=["larger than max_crop_px", "smaller"])
def test_the_example_of_the_documentation_finds_what_the_detector_finds(
    exported, model, picture, tmp_path, monkeypatch, scale
):
    text = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "model.onnx").write_bytes(exported.content)
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.resize(picture[..., ::-1], None, fx=scale, fy=scale))
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(example, found)
    monkeypatch.setattr(detector, "load_model", lambda _path: model)
    (expected,) = detector.LandmarkDetector("model.safetensors", device="cpu").predict(["photo.jpg"])
    np.testing.assert_allclose(found["landmarks"][0], expected.landmarks, atol=1e-3)
    np.testing.assert_allclose(found["scores"][0], expected.scores, atol=1e-5)
