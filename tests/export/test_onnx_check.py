import json
from dataclasses import replace

import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.export.onnx_check import OnnxCheck, check_onnx, onnx_landmarks, pytorch_landmarks, write_check
from landmark_discovery.inference.dataset import predict_landmarks
from landmark_discovery.training.weights import save_weights

pytest.importorskip("onnxruntime")


def check_of(*differences_px):
    """Give the check of as many images, with one landmark each."""
    distance = np.array(differences_px, dtype=np.float64)[:, None]
    names = np.array([f"{index}.png" for index in range(len(distance))])
    return OnnxCheck(names, distance, distance / 100)


def test_the_reference_is_what_the_pipeline_predicts(model, store, tiny_config, tmp_path):
    config = tiny_config(stage2={"subpixel": True, "average_turned_views": False, "shape_prior": True})
    save_weights(tmp_path / "weights.safetensors", model.weights)
    predictions = predict_landmarks(store, tmp_path / "weights.safetensors", 2, config)
    landmarks, scores = pytorch_landmarks(model, store, np.array([0, 2]))
    np.testing.assert_array_equal(landmarks, predictions.landmarks[[0, 2]])
    np.testing.assert_array_equal(scores, predictions.score[[0, 2]])


def test_the_test_images_are_compared_in_original_pixels(exported, model, store):
    check = check_onnx(exported, model, store)
    assert check.names.tolist() == ["1.png", "2.png"]
    assert check.difference_px.shape == check.score_difference.shape == (2, 3)
    assert check.within_limit
    assert check.difference_px.max() < 1e-3


def test_the_authors_half_pixel_is_added_for_who_wants_the_pipelines_numbers(exported, store):
    shifted = replace(exported, offset_px=0.5)
    plain, moved = (onnx_landmarks(one, store, np.arange(3))[0] for one in (exported, shifted))
    np.testing.assert_allclose(moved, plain + 0.5)


def test_the_file_of_another_model_is_found_out(exported, build_model, store):
    check = check_onnx(exported, build_model(seed=1), store)
    assert not check.within_limit
    assert check.facts()["farthest_beyond_limit"][0]["image"] in ("1.png", "2.png")


def test_a_difference_of_a_tenth_of_a_pixel_is_allowed_and_nothing_more():
    assert check_of(0.0, 0.1).within_limit
    assert not check_of(0.0, 0.1001).within_limit
    assert not check_of(0.0, np.nan).within_limit


def test_landmarks_beyond_the_limit_are_named_farthest_first(tmp_path):
    check = check_of(0.2, 0.0, 0.8, 0.05)
    write_check(tmp_path / "check.json", check)
    facts = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    assert facts == {
        "images": 4,
        "landmarks": 4,
        "largest_difference_px": 0.8,
        "mean_difference_px": pytest.approx(0.2625),
        "largest_score_difference": 0.008,
        "mean_score_difference": pytest.approx(0.002625),
        "limit_px": 0.1,
        "beyond_limit": 2,
        "not_finite": 0,
        "farthest_beyond_limit": [
            {"image": "2.png", "landmark": 0, "difference_px": 0.8},
            {"image": "0.png", "landmark": 0, "difference_px": 0.2},
        ],
    }


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_landmarks_without_a_finite_place_are_reported_as_beyond_the_limit(broken, tmp_path):
    check = check_of(0.05, 0.3, broken)
    assert not check.within_limit
    write_check(tmp_path / "check.json", check)
    facts = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    figures = ("largest_difference_px", "mean_difference_px", "largest_score_difference", "mean_score_difference")
    assert [facts[name] for name in figures] == [None] * 4
    assert (facts["beyond_limit"], facts["not_finite"]) == (2, 1)
    assert facts["farthest_beyond_limit"] == [
        {"image": "2.png", "landmark": 0, "difference_px": None},
        {"image": "1.png", "landmark": 0, "difference_px": 0.3},
    ]
    assert str(check) == "3 images: 1 of 3 landmarks have no finite place or score in ONNX or PyTorch"


def test_a_score_that_is_no_number_is_beyond_the_limit_though_the_place_is_right(tmp_path):
    check = replace(check_of(0.0, 0.0), score_difference=np.array([[0.0], [np.nan]]))
    assert not check.within_limit
    write_check(tmp_path / "check.json", check)
    facts = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    assert (facts["largest_difference_px"], facts["largest_score_difference"]) == (0, None)
    assert facts["farthest_beyond_limit"] == [{"image": "1.png", "landmark": 0, "difference_px": 0}]


def test_only_the_farthest_are_named_of_very_many():
    facts = check_of(*np.linspace(0.2, 9, 500)).facts()
    assert facts["beyond_limit"] == 500
    assert len(facts["farthest_beyond_limit"]) == 20


def test_the_figures_stand_in_one_line():
    words = str(check_of(0.0, 0.05))
    assert words == "2 images: ONNX and PyTorch differ by at most 0.05 px (mean 0.025 px; scores by at most 0.0005)"


def test_what_cannot_be_compared_is_refused(exported, model, store):
    with pytest.raises(UserError, match="it has 4 landmarks, the model 3"):
        check_onnx(replace(exported, num_landmarks=4), model, store)
    with pytest.raises(UserError, match="no test images to compare on"):
        check_onnx(exported, model, replace(store, samples=store.samples.assign(split="train")))
    with pytest.raises(UserError, match="onnxruntime can't run it"):
        check_onnx(replace(exported, content=b"nothing"), model, store)
