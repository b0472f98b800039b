import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.geometry2d import (
    corner_angles,
    cross,
    crossings,
    distances_to_segment,
    least_distance,
    outline_segments,
    thinned,
    uncovered,
)

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
COORDINATE = st.integers(-20, 20)
SEGMENT = st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE).filter(lambda ends: ends[:2] != ends[2:])


def segments(*ends):
    return np.array(ends, dtype=np.float64).reshape(-1, 2, 2)


def test_the_cross_product_is_the_area_between_two_vectors():
    assert cross(np.array([2.0, 0.0]), np.array([1.0, 3.0])) == 6
    assert cross(np.array([[1.0, 3.0]]), np.array([[2.0, 0.0]])).tolist() == [-6]


def test_the_last_side_of_an_outline_goes_back_to_its_first_corner():
    assert outline_segments(SQUARE)[-1].tolist() == [[0, 10], [0, 0]]


def test_the_least_distance_is_that_of_the_nearest_two():
    assert least_distance(np.array([[0.0, 0.0], [10.0, 0.0], [13.0, 4.0]])) == 5
    assert least_distance(np.array([[1.0, 2.0]])) == np.inf
    assert least_distance(np.zeros((0, 2))) == np.inf


def test_distances_from_a_segment_are_those_from_its_nearest_point():
    points = np.array([[5.0, 3.0], [-3.0, 4.0], [12.0, 0.0], [7.0, 0.0]])
    assert distances_to_segment(points, np.array([[0.0, 0.0], [10.0, 0.0]])).tolist() == [3, 5, 2, 0]


def test_segments_cross_where_both_are():
    level, upright = segments(0, 5, 10, 5), segments(4, 0, 4, 20)
    assert crossings(level, upright).tolist() == [[4, 5]]
    assert crossings(level, segments(4, 6, 4, 20)).tolist() == []
    assert crossings(level, segments(11, 0, 11, 20)).tolist() == []


def test_an_end_on_another_segment_is_a_crossing():
    assert crossings(segments(0, 0, 10, 0), segments(3, 0, 3, 9)).tolist() == [[3, 0]]
    assert crossings(segments(0, 0, 10, 0), segments(10, 0, 20, 7)).tolist() == [[10, 0]]


def test_parallel_segments_do_not_cross():
    assert len(crossings(segments(0, 0, 10, 10), segments(0, 1, 10, 11, 2, 2, 5, 5))) == 0
    assert crossings(segments(0, 0, 1, 1), np.zeros((0, 2, 2))).shape == (0, 2)


@given(SEGMENT, SEGMENT)
def test_a_crossing_lies_on_both_segments_whatever_their_order(first, second):
    one, other = segments(*first), segments(*second)
    met = crossings(one, other)
    assert len(met) == len(crossings(other, one)) <= 1
    for segment in (one[0], other[0]):
        assert np.all(distances_to_segment(met, segment) < 1e-4)
    # Ends strictly on both sides of each other's line: then, and only then, do they cross for sure.
    sides = [cross(a[1] - a[0], b - a[0]) for a, b in ((one[0], other[0]), (other[0], one[0]))]
    if all(side[0] * side[1] < 0 for side in sides):
        assert len(met) == 1


def test_points_under_an_outline_or_all_but_touching_it_are_dropped():
    points = np.array([[5.0, 5.0], [0.0, 0.0], [10.5, 5.0], [11.5, 5.0], [20.0, 20.0]])
    assert uncovered(points, SQUARE).tolist() == [[11.5, 5.0], [20.0, 20.0]]
    assert uncovered(np.zeros((0, 2)), SQUARE).shape == (0, 2)


@pytest.mark.parametrize("step", [1, -1])
def test_angles_are_those_between_the_sides_in_either_direction(step):
    arrow = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [5.0, 5.0]])[::step]
    expected = [45, 90, 45, 180][::step]
    np.testing.assert_allclose(corner_angles(arrow), expected, atol=1e-9)
    np.testing.assert_allclose(corner_angles(SQUARE), 90)


def test_of_points_that_are_too_near_the_first_stays():
    points = np.array([[0.0, 0.0], [1.5, 0.0], [3.0, 0.0], [3.0, 1.0]])
    assert thinned(points, 2.0).tolist() == [[0, 0], [3, 0]]
    assert thinned(np.zeros((0, 2)), 2.0).shape == (0, 2)
