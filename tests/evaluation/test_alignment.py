"""Predictions and ground truth brought together by name and into one frame."""

import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.alignment import align
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.truth import GroundTruth

NAN = np.nan


def predicted(names, landmarks, split=None):
    points = np.asarray(landmarks, dtype=float)
    return Predictions(np.array(names), np.array(split or ["train"] * len(names)), points, np.ones(points.shape[:2]))


def known(names, landmarks=None, split=None, **more):
    points = None if landmarks is None else np.asarray(landmarks, dtype=float)
    arrays = {key: np.asarray(value, dtype=float) for key, value in more.items()}
    return GroundTruth(np.array(names), np.array(split or [""] * len(names)), points, **arrays)


def test_images_are_matched_by_name_whatever_their_order():
    aligned = align(
        predicted(["c", "a", "x"], [[[3, 3]], [[1, 1]], [[9, 9]]]),
        known(["a", "b", "c"], [[[10, 10]], [[20, 20]], [[30, 30]]]),
        size_px=100,
    )
    assert list(aligned.truth.image) == ["a", "c"]
    assert (aligned.landmarks == [[[1, 1]], [[3, 3]]]).all()
    assert (aligned.truth.landmarks == [[[10, 10]], [[30, 30]]]).all()
    assert (aligned.predictions_without_truth, aligned.truth_without_predictions) == (1, 1)
    assert (aligned.size_px, aligned.size_source) == (100, "given")


def test_an_image_without_any_true_point_has_no_truth():
    aligned = align(predicted(["a", "b"], np.ones((2, 1, 2))), known(["a", "b"], [[[NAN, NAN]], [[1, 1]]]))
    assert list(aligned.truth.image) == ["b"]
    assert aligned.predictions_without_truth == 1


def test_the_split_is_the_truths_and_else_the_predictions():
    aligned = align(
        predicted(["a", "b"], np.ones((2, 1, 2)), split=["train", "test"]),
        known(["a", "b"], np.ones((2, 1, 2)), split=["test", ""]),
    )
    assert list(aligned.truth.split) == ["test", "test"]
    assert aligned.of_split("test").all()


def test_a_landmark_with_one_coordinate_is_not_found():
    aligned = align(predicted(["a"], [[[1, NAN], [np.inf, 2], [3, 4]]]), known(["a"], [[[1, 1]]]))
    assert np.allclose(aligned.landmarks, [[[NAN, NAN], [NAN, NAN], [3, 4]]], equal_nan=True)


def test_the_size_is_the_median_height():
    aligned = align(
        predicted(["a", "b", "c"], np.ones((3, 1, 2))), known(["a", "b", "c"], np.ones((3, 1, 2)), height=[10, 90, 20])
    )
    assert (aligned.size_px, aligned.size_source) == (20, "median height of the images")


def test_without_heights_the_size_is_the_lowest_edge_of_boxes_and_points():
    truth = known(["a", "b"], [[[99, 7.2]], [[99, NAN]]], box=[[0, 1, 50, 12.3], [NAN] * 4])
    aligned = align(predicted(["a", "b"], np.ones((2, 1, 2))), truth)
    assert aligned.size_px == 13
    assert "no heights" in aligned.size_source


def test_without_heights_boxes_and_points_the_size_is_unknown():
    assert align(predicted(["a"], [[[1, 1]]]), known(["a"])).size_px is None


def test_the_crop_frame_maps_everything_to_the_resized_crop():
    # A crop of 20 x 40 pixels to 80 x 80: pixel centres go to (x - 10 + 0.5) * 4 - 0.5 and (y - 20 + 0.5) * 2 - 0.5.
    aligned = align(
        predicted(["a"], [[[10, 20], [12, 21], [NAN, NAN]]]),
        known(["a"], [[[15, 30]]], crop=[[10, 20, 30, 60]], box=[[10, 20, 15, 30]], height=[200]),
        frame="crop",
        size_px=80,
    )
    assert np.allclose(aligned.landmarks, [[[1.5, 0.5], [9.5, 2.5], [NAN, NAN]]], equal_nan=True)
    assert np.allclose(aligned.truth.landmarks, [[[21.5, 20.5]]])
    assert np.allclose(aligned.truth.box, [[1.5, 0.5, 21.5, 20.5]])
    assert aligned.size_px == 80


def test_the_crop_frame_is_256_pixels_by_default():
    aligned = align(predicted(["a"], [[[1, 1]]]), known(["a"], [[[1, 1]]], crop=[[0, 0, 4, 4]]), frame="crop")
    assert aligned.size_px == 256
    assert aligned.truth.box is None


@pytest.mark.parametrize("crop", [[5, 0, 5, 4], [0, 0, NAN, 4]])
def test_an_empty_crop_is_named(crop):
    with pytest.raises(UserError, match="the crop of 'a' is empty or unknown"):
        align(predicted(["a"], [[[1, 1]]]), known(["a"], [[[1, 1]]], crop=[crop]), frame="crop")


def test_the_crop_frame_needs_crops():
    with pytest.raises(UserError, match=r"the samples have no crops; give the samples\.csv of a prepared data set"):
        align(predicted(["a"], [[[1, 1]]]), known(["a"], [[[1, 1]]]), frame="crop")


def test_nothing_in_common_shows_how_both_spell_names():
    with pytest.raises(UserError, match=r"none of the 1 predicted .* predicted 'a\.jpg', truth 'images/a\.jpg'"):
        align(predicted(["a.jpg"], [[[1, 1]]]), known(["images/a.jpg"], [[[1, 1]]]))


def test_an_image_predicted_twice_is_named():
    with pytest.raises(UserError, match="image 'a' is predicted twice"):
        align(predicted(["a", "a"], np.ones((2, 1, 2))), known(["a"], [[[1, 1]]]))


@pytest.mark.parametrize("split", ["val", "", "Train"])
def test_a_split_that_is_neither_train_nor_test_is_refused_not_left_out(split):
    with pytest.raises(UserError, match=rf"split of 'b' is '{split}' in the predictions; valid: train, test"):
        align(predicted(["a", "b"], np.ones((2, 1, 2)), ["test", split]), known(["a", "b"]))


def test_images_of_one_side_alone_are_counted_where_they_have_a_true_point():
    aligned = align(
        predicted(["a", "x", "y"], np.ones((3, 1, 2))),
        known(["a", "b", "c", "d"], [[[1, 1]], [[2, 2]], [[3, 3]], [[NAN, NAN]]]),
    )
    assert (aligned.predictions_without_truth, aligned.truth_without_predictions) == (2, 2)
