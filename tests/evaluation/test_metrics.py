"""Errors, averages, curves and distinctness on points that a reader can place by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.evaluation.metrics import (
    cumulative_curve,
    detection_rate,
    distinct_landmarks,
    mean_by_image,
    mean_by_point,
    mean_distances,
    mean_present,
    point_errors,
)

NAN = np.nan


def test_point_errors_are_distances_over_the_normaliser():
    true = np.zeros((2, 4, 2))
    predicted = np.array(
        [[[3.0, 4.0], [0, 1], [6, 8], [0, 0]], [[0.0, 2.0], [NAN, NAN], [1, 0], [0, 0]]],
    )
    errors = point_errors(predicted, true, np.array([10.0, 2.0]))
    assert np.allclose(errors, [[0.5, 0.1, 1.0, 0.0], [1.0, NAN, 0.5, 0.0]], equal_nan=True)


def test_an_image_without_normaliser_has_no_errors():
    assert np.isnan(point_errors(np.ones((1, 3, 2)), np.zeros((1, 3, 2)), np.array([NAN]))).all()


def test_forward_and_backward_averages_weigh_missing_points_differently():
    errors = np.array([[0.1, 0.3], [0.5, NAN]])
    # By image: (0.2 + 0.5) / 2; by point: (0.3 + 0.3) / 2.
    assert mean_by_image(errors) == pytest.approx(0.35)
    assert mean_by_point(errors) == pytest.approx(0.3)


def test_averages_of_repeats_stay_apart():
    errors = np.array([[[0.1, 0.3]], [[0.5, 0.7]]])
    assert np.allclose(mean_by_image(errors), [0.2, 0.6])
    assert np.allclose(mean_by_point(errors), [0.2, 0.6])


def test_an_average_of_nothing_is_undefined():
    assert np.isnan(mean_by_image(np.full((2, 3), NAN)))
    assert np.isnan(mean_by_point(np.full((2, 3), NAN)))
    assert np.isnan(mean_present(np.empty((0, 3)), axis=0)).all()


def test_cumulative_curve_sorts_and_averages():
    # Two repeats, one image, four points: means 0.4, 0.1, undefined, 0.2.
    errors = np.array([[[0.3, 0.1, NAN, 0.2]], [[0.5, 0.1, NAN, 0.2]]])
    curve = cumulative_curve(errors, np.array([7, 8, 9, 11]), "point")
    assert list(curve.columns) == ["rank", "point", "nme_percent", "cumulative_nme_percent"]
    assert list(curve["rank"]) == [1, 2, 3, 4]
    assert list(curve["point"]) == [8, 11, 7, 9]
    assert np.allclose(curve["nme_percent"], [10, 20, 40, NAN], equal_nan=True)
    assert np.allclose(curve["cumulative_nme_percent"], [10, 15, 70 / 3, NAN], equal_nan=True)


def test_detection_rate_counts_images():
    landmarks = np.zeros((4, 3, 2))
    landmarks[0, 0] = landmarks[:, 2] = NAN
    assert np.allclose(detection_rate(landmarks), [0.75, 1, 0])


def test_mean_distance_is_over_images_that_have_both():
    landmarks = np.array([[[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [NAN, NAN]], [[0.0, 0.0], [0.0, 1.0]]])
    assert np.allclose(mean_distances(landmarks), [[0, 3], [3, 0]])


def test_landmarks_that_never_meet_are_compared_by_their_means():
    landmarks = np.array([[[0.0, 0.0], [NAN, NAN]], [[NAN, NAN], [0.0, 2.0]]])
    assert np.allclose(mean_distances(landmarks), [[0, 2], [2, 0]])


def test_coinciding_landmarks_count_once():
    # Places on a line: 0 and 1 lie within the 3 pixels, so do 1 and 3, but not 0 and 3: three of the five are apart.
    landmarks = np.array([[[x, 0.0] for x in (0.0, 2.0, 4.0, 20.0, 20.0)]])
    assert distinct_landmarks(landmarks, 3.0) == 3
    assert distinct_landmarks(landmarks, 1.0) == 4
    assert distinct_landmarks(landmarks, 100.0) == 1


def test_a_middle_landmark_listed_first_hides_no_pair():
    assert distinct_landmarks(np.array([[[2.0, 0.0], [0.0, 0.0], [4.0, 0.0]]]), 3.0) == 2


def test_the_distance_must_be_exceeded():
    assert distinct_landmarks(np.array([[[0.0, 0.0], [3.0, 0.0]]]), 3.0) == 1


def test_a_landmark_never_found_is_not_distinct():
    assert distinct_landmarks(np.array([[[0.0, 0.0], [NAN, NAN], [9.0, 0.0]]]), 3.0) == 2
    assert distinct_landmarks(np.full((2, 3, 2), NAN), 3.0) == 0
    assert distinct_landmarks(np.empty((2, 0, 2)), 3.0) == 0


@given(seed=st.integers(0, 500), shift=st.floats(-100, 100), scale=st.floats(0.1, 10))
def test_errors_survive_a_shift_and_a_change_of_scale(seed, shift, scale):
    generator = np.random.default_rng(seed)
    predicted, true = generator.uniform(0, 100, (2, 5, 4, 2))
    lengths = generator.uniform(1, 50, 5)
    moved = point_errors(scale * predicted + shift, scale * true + shift, scale * lengths)
    assert np.allclose(moved, point_errors(predicted, true, lengths), rtol=1e-7, atol=1e-9)


@given(seed=st.integers(0, 500), limit=st.floats(1, 60))
def test_the_count_of_distinct_landmarks_is_a_set_that_is_really_apart(seed, limit):
    landmarks = np.random.default_rng(seed).uniform(0, 100, (3, 6, 2))
    distances = mean_distances(landmarks)
    largest = 0
    for members in range(1, 2**6):
        chosen = [index for index in range(6) if members >> index & 1]
        apart = all(distances[a, b] > limit for a in chosen for b in chosen if a < b)
        largest = max(largest, len(chosen) if apart else 0)
    assert 1 <= distinct_landmarks(landmarks, limit) <= largest
