import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.heatmaps.suppression import square_overlap, suppress_squares


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ((0, 0), 1.0),
        ((2, 0), 8 / 24),  # 2 x 4 shared, 16 + 16 - 8 together
        ((-3, 3), 1 / 31),
        ((4, 0), 0.0),
        ((0, 9), 0.0),
    ],
)
def test_overlap_of_two_squares_of_side_four(offset, expected):
    overlap = square_overlap(np.array([10.0, 10.0]), np.array([[10.0, 10.0]]) + offset, half_side_px=2)
    assert overlap == pytest.approx([expected])


def test_a_point_suppresses_worse_ones_whose_square_overlaps_its_own():
    points = [[0, 0], [3, 3], [4, 0], [20, 20]]
    kept = suppress_squares(points, [0.5, 0.9, 0.4, 0.6], half_side_px=2)
    # (3, 3) is best and overlaps (0, 0) and (4, 0).
    assert kept.tolist() == [1, 3]


def test_a_suppressed_point_suppresses_nothing():
    kept = suppress_squares([[0, 0], [3, 0], [6, 0]], [0.9, 0.8, 0.7], half_side_px=2)
    assert kept.tolist() == [0, 2]


def test_squares_that_overlap_no_more_than_the_limit_both_stay():
    # Side 40, 39 apart in both axes: 1 / 3199.
    assert suppress_squares([[0, 0], [39, 39]], [2, 1], half_side_px=20, iou_limit=0.01).tolist() == [0, 1]
    assert suppress_squares([[0, 0], [39, 39]], [2, 1], half_side_px=20, iou_limit=0.0).tolist() == [0]


def test_equal_scores_go_by_index():
    assert suppress_squares([[1, 0], [0, 0], [9, 9]], [0.5, 0.5, 0.5], half_side_px=2).tolist() == [0, 2]


def test_no_points_give_no_indices():
    kept = suppress_squares(np.zeros((0, 2)), np.zeros(0), half_side_px=2)
    assert kept.shape == (0,)
    assert kept.dtype == np.int64


def plain_suppression(points, scores, half_side, iou_limit):
    remaining = sorted(range(len(points)), key=lambda index: (-scores[index], index))
    kept = []
    for index in remaining:
        suppressed = False
        for better in kept:
            width = max(0.0, 2 * half_side - abs(points[index][0] - points[better][0]))
            height = max(0.0, 2 * half_side - abs(points[index][1] - points[better][1]))
            union = 2 * (2 * half_side) ** 2 - width * height
            suppressed = suppressed or width * height / union > iou_limit
        if not suppressed:
            kept.append(index)
    return kept


scored_points = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 5)), max_size=30)


@given(scored_points, st.integers(1, 5), st.sampled_from([0.0, 0.01, 0.3]))
def test_it_agrees_with_a_plain_restatement(rows, half_side, iou_limit):
    points = [row[:2] for row in rows]
    scores = [row[2] for row in rows]
    expected = plain_suppression(points, scores, half_side, iou_limit)
    assert suppress_squares(points, scores, half_side, iou_limit).tolist() == expected
