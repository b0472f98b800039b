import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.keypoint_evaluation.matching import match_precision, matching_accuracy, mutual_matches

SIZE = (100, 80)
SHIFT = np.array([[1.0, 0, 10], [0, 1, 0], [0, 0, 1]])


def keypoints(points, descriptors):
    places = np.array(points, dtype=float).reshape(-1, 2)
    return DetectedKeypoints(places, np.ones(len(places)), np.array(descriptors, np.float32).reshape(len(places), -1))


def random_keypoints(seed, count=20):
    generator = np.random.default_rng(seed)
    descriptors = generator.normal(size=(count, 8))
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    return keypoints(generator.uniform(0, 79, (count, 2)), descriptors)


def permuted(found, order):
    return DetectedKeypoints(found.points[order], found.scores[order], found.descriptors[order])


def test_only_the_nearest_of_each_other_match():
    first = np.array([[0.0], [4.0], [2.0]], np.float32)
    second = np.array([[10.0], [3.0], [-1.0]], np.float32)
    # 4 and 2 are equally near to 3, which takes the first of them; nobody's nearest is 10.
    assert mutual_matches(first, second).tolist() == [[0, 2], [1, 1]]


def test_distances_are_euclidean_and_not_angles():
    first = np.array([[1.0, 0.0]], np.float32)
    # The same direction far away, and another direction near by.
    second = np.array([[5.0, 0.0], [1.0, 0.5]], np.float32)
    assert mutual_matches(first, second).tolist() == [[0, 1]]


def test_nothing_matches_nothing():
    none, one = np.zeros((0, 4), np.float32), np.ones((1, 4), np.float32)
    assert mutual_matches(none, one).shape == mutual_matches(one, none).shape == (0, 2)


def test_precision_by_hand():
    first = keypoints([[10, 10], [30, 10], [50, 10]], np.eye(3))
    # 3 px off, 3.1 px off, and in place.
    second = keypoints([[23, 10], [40, 13.1], [60, 10]], np.eye(3))
    assert match_precision(first, second, SHIFT, SIZE, 3) == pytest.approx(2 / 3)


def test_keypoints_out_of_the_other_image_do_not_take_part_in_matching():
    # The second's keypoint at (5, 10) looks like (10, 10) even more than the right one does, and can't be seen.
    first = keypoints([[10, 10]], [[1, 0]])
    second = keypoints([[20, 10], [5, 10]], [[0.9, 0.1], [1, 0]])
    assert match_precision(first, second, SHIFT, SIZE, 3) == 1
    assert np.isnan(match_precision(first, permuted(second, [1]), SHIFT, SIZE, 3))


def test_keypoints_near_to_the_other_border_do_not_take_part_either():
    # (13, 10) comes from (3, 10), where no detector that keeps 4 px finds anything.
    first = keypoints([[10, 10]], [[1, 0]])
    second = keypoints([[20, 10], [13, 10]], [[0.9, 0.1], [1, 0]])
    assert match_precision(first, second, SHIFT, SIZE, 3, border_px=4) == 1
    assert match_precision(first, second, SHIFT, SIZE, 3) == 0


def test_accuracy_by_hand():
    first = np.array([[10, 10], [30, 10], [50, 10], [70, 10]], float)
    second = np.array([[20, 10], [43, 10], [60, 15], [86, 10]], float)
    # Off by 0, 3, 5 and 6 px.
    np.testing.assert_allclose(matching_accuracy(first, second, SHIFT, SIZE, (1, 3, 5)), [1 / 4, 2 / 4, 3 / 4])


def test_matches_mapped_outside_are_wrong_however_near():
    first, second = np.array([[95, 10], [10, 10]], float), np.array([[99, 10], [20, 10]], float)
    # (95, 10) is mapped to (105, 10), which 99 wide pixels don't hold.
    np.testing.assert_allclose(matching_accuracy(first, second, SHIFT, SIZE, (10,)), [1 / 2])


def test_no_match_has_no_accuracy():
    none = np.zeros((0, 2))
    assert np.isnan(matching_accuracy(none, none, np.eye(3), SIZE, (1, 3))).tolist() == [True, True]


@given(seed=st.integers(0, 10_000))
def test_identical_features_under_the_identity_are_perfect(seed):
    found = random_keypoints(seed)
    matches = mutual_matches(found.descriptors, found.descriptors)
    assert matches.tolist() == [[index, index] for index in range(len(found))]
    assert match_precision(found, found, np.eye(3), (80, 80), 3) == 1
    accuracy = matching_accuracy(found.points, found.points, np.eye(3), (80, 80), (1, 3, 5))
    assert accuracy.tolist() == [1, 1, 1]


@given(seed=st.integers(0, 10_000))
def test_matches_are_mutual_one_to_one_and_the_same_in_any_order(seed):
    first, second = random_keypoints(seed), random_keypoints(seed + 1, count=15)
    matches = mutual_matches(first.descriptors, second.descriptors)
    distances = np.linalg.norm(first.descriptors[:, None] - second.descriptors[None], axis=2)
    for ours, theirs in matches:
        assert distances[ours, theirs] == distances[ours].min() == distances[:, theirs].min()
    assert len(set(matches[:, 1])) == len(matches)
    order = np.random.default_rng(seed).permutation(len(first))
    shuffled = mutual_matches(first.descriptors[order], second.descriptors)
    assert {(order[ours], theirs) for ours, theirs in shuffled} == {tuple(match) for match in matches.tolist()}
    precision = match_precision(first, second, SHIFT, SIZE, 20)
    np.testing.assert_equal(match_precision(permuted(first, order), second, SHIFT, SIZE, 20), precision)
