"""The lengths that errors are divided by."""

import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.normalizers import describe_normalizer, normalizers

NAN = np.nan
# Three images of four points; the second lacks point 1, in the third points 0 and 1 coincide.
POINTS = np.array(
    [
        [[0.0, 0.0], [3.0, 4.0], [8.0, 0.0], [8.0, 2.0]],
        [[1.0, 1.0], [NAN, NAN], [5.0, 1.0], [5.0, 10.0]],
        [[2.0, 2.0], [2.0, 2.0], [2.0, 6.0], [3.0, 2.0]],
    ]
)


def test_pair_is_the_distance_of_two_points():
    assert np.allclose(normalizers("0-1", POINTS), [5, NAN, NAN], equal_nan=True)
    assert np.allclose(normalizers("3-2", POINTS), [2, 9, 17**0.5])


def test_landmark_box_spans_the_points_that_are_there():
    # Boxes 8 x 4, 4 x 9 and 1 x 4.
    assert np.allclose(normalizers("landmark-box", POINTS), [32**0.5, 6, 2])


def test_box_takes_the_samples_boxes():
    boxes = np.array([[0, 0, 4, 9], [1, 1, 1, 5], [NAN, 0, 1, 1]])
    assert np.allclose(normalizers("box", POINTS, boxes), [6, NAN, NAN], equal_nan=True)


def test_a_box_inside_out_is_no_box():
    boxes = np.array([[4, 9, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=float)
    assert np.allclose(normalizers("box", POINTS, boxes), [NAN, 1, 1], equal_nan=True)


def test_an_image_without_points_has_no_landmark_box():
    points = np.concatenate([POINTS, np.full((1, 4, 2), NAN)])
    assert np.isnan(normalizers("landmark-box", points)[3])


def test_no_image_with_a_normaliser_is_an_error():
    with pytest.raises(UserError, match="'0-1' is zero or unknown in all 1 test images; choose another"):
        normalizers("0-1", POINTS[2:])


def test_a_point_that_is_not_there_is_an_error():
    with pytest.raises(UserError, match="names point 45, but the ground truth has points 0 to 3"):
        normalizers("36-45", POINTS)


@pytest.mark.parametrize("name", ["boxes", "1-", "1-2-3", "a-b", ""])
def test_an_unknown_name_lists_the_valid_ones(name):
    with pytest.raises(UserError, match=r"unknown normaliser .*valid: i-j .*, box, landmark-box"):
        normalizers(name, POINTS)


def test_box_without_boxes_is_an_error():
    with pytest.raises(UserError, match="needs the samples' boxes"):
        normalizers("box", POINTS)


def test_every_normaliser_has_words():
    assert describe_normalizer("36-45") == "the distance of true points 36 and 45 (counted from 0)"
    assert "sample's box" in describe_normalizer("box")
    assert "true points' box" in describe_normalizer("landmark-box")
