import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.keypoint_evaluation.homographies import draw_homography, map_points
from landmark_discovery.keypoint_evaluation.homography_accuracy import (
    area_under_curve,
    corner_error_px,
    estimate_homography,
)

SIZE = (120, 100)


def shift(x, y):
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def matched(seed, wrong=0):
    generator = np.random.default_rng(seed)
    homography = draw_homography(SIZE, generator)
    first = generator.uniform(0, 99, (40, 2))
    second = map_points(first, homography)
    second[:wrong] = generator.uniform(0, 99, (wrong, 2))
    return first, second, homography


def test_the_error_of_a_shifted_estimate_is_its_shift():
    assert corner_error_px(shift(3, 4), np.eye(3), SIZE) == pytest.approx(5)
    assert corner_error_px(np.eye(3), np.eye(3), SIZE) == 0


def test_the_error_is_averaged_over_the_corners():
    # Stretched by a tenth in x: nothing at the left, 11.9 px at the right.
    assert corner_error_px(np.diag([1.1, 1, 1]), np.eye(3), SIZE) == pytest.approx(11.9 / 2)


def test_the_sign_and_length_of_an_estimate_mean_nothing():
    assert corner_error_px(-2.0 * shift(3, 4), np.eye(3), SIZE) == pytest.approx(5)


def test_a_failed_estimate_is_infinitely_far_off():
    assert corner_error_px(None, np.eye(3), SIZE) == math.inf
    behind = np.array([[1.0, 0, 0], [0, 1, 0], [-1 / 100, 0, 1]])
    assert corner_error_px(behind, np.eye(3), SIZE) == math.inf


def test_area_by_hand():
    # Up to 4 px: the share is 1/4 from 1 px on and 2/4 from 3 px on: (2 * 1/4 + 1 * 2/4) / 4.
    errors = np.array([1, 3, 4, math.inf])
    assert area_under_curve(errors, 4) == pytest.approx((2 * 1 / 4 + 1 * 2 / 4) / 4)
    assert area_under_curve(np.array([0.0, 0.0]), 3) == 1
    assert area_under_curve(np.array([math.inf, 3.0]), 3) == 0
    assert math.isnan(area_under_curve(np.array([]), 3))


@given(
    errors=st.lists(st.floats(0, 20) | st.just(math.inf), min_size=1, max_size=20),
    limit=st.sampled_from([3.0, 5.0, 10.0]),
)
def test_the_area_is_that_of_the_staircase(errors, limit):
    ends = [0.0, *sorted(error for error in errors if error < limit), limit]
    steps = [(right - left) * index / len(errors) for index, (left, right) in enumerate(pairwise(ends))]
    assert area_under_curve(np.array(errors), limit) == pytest.approx(sum(steps) / limit, abs=1e-9)


@pytest.mark.parametrize("wrong", [0, 12])
def test_right_matches_give_the_homography_despite_wrong_ones(wrong):
    for seed in range(5):
        first, second, homography = matched(seed, wrong)
        assert corner_error_px(estimate_homography(first, second, 3), homography, SIZE) < 0.1


def test_estimates_depend_on_neither_order_nor_any_generator_outside():
    first, second, _ = matched(1, wrong=15)
    expected = estimate_homography(first, second, 3)
    cv2.setRNGSeed(99)
    order = np.random.default_rng(0).permutation(len(first))
    np.testing.assert_array_equal(estimate_homography(first[order], second[order], 3), expected)


def test_too_few_matches_or_all_on_one_line_fail():
    first, second, homography = matched(0)
    assert estimate_homography(first[:3], second[:3], 3) is None
    assert estimate_homography(np.zeros((0, 2)), np.zeros((0, 2)), 3) is None
    line = np.stack([np.arange(10.0), np.arange(10.0)], axis=1)
    assert corner_error_px(estimate_homography(line, line, 3), homography, SIZE) > 1
