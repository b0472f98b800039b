import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.keypoint_evaluation.homographies import (
    draw_homography,
    inverse,
    lie_inside,
    map_points,
    similarity,
    warp_image,
)


def shift(x, y):
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def test_points_are_divided_by_their_depth():
    homography = np.array([[1.0, 0, 0], [0, 1, 0], [0.5, 0, 1]])
    np.testing.assert_allclose(map_points([[2, 4], [0, 3]], homography), [[1, 2], [0, 3]])


def test_points_behind_the_camera_are_nowhere():
    homography = np.array([[1.0, 0, 0], [0, 1, 0], [-0.5, 0, 1]])
    mapped = map_points([[2, 0], [3, 0], [1, 0]], homography)
    assert np.isnan(mapped[:2]).all()
    assert mapped[2].tolist() == [2, 0]
    assert lie_inside(mapped, (10, 10)).tolist() == [False, False, True]


def test_no_points_map_to_no_points():
    assert map_points(np.zeros((0, 2)), np.eye(3)).shape == (0, 2)


def test_an_image_reaches_from_its_first_pixel_centre_to_its_last():
    points = np.array([[0, 0], [9, 4], [9.01, 4], [9, 4.01], [-0.01, 0]], dtype=float)
    assert lie_inside(points, (10, 5)).tolist() == [True, True, False, False, False]
    assert lie_inside(np.array([[2.0, 2], [7, 2], [1.9, 2], [7.1, 2]]), (10, 5), 2).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_a_quarter_turn_takes_right_to_below():
    # The centre of 5 x 5 pixels is (2, 2).
    np.testing.assert_allclose(map_points([[4, 2], [2, 2]], similarity((5, 5), 90, 1)), [[2, 4], [2, 2]], atol=1e-12)


def test_a_scale_moves_points_away_from_the_centre():
    np.testing.assert_allclose(map_points([[1.5, 2], [5.5, 4]], similarity((4, 5), 0, 2)), [[1.5, 2], [9.5, 6]])


def test_a_warped_image_shows_each_pixel_where_its_point_is_mapped():
    grey = np.zeros((6, 8), np.uint8)
    grey[2, 3] = 200
    warped = warp_image(grey, shift(2, 1))
    assert warped.shape == (6, 8)
    assert warped[3, 5] == 200
    assert np.count_nonzero(warped) == 1


def test_what_comes_from_outside_repeats_the_border():
    grey = np.tile(np.array([10, 20, 30], np.uint8), (2, 1))
    assert warp_image(grey, shift(1, 0)).tolist() == [[10, 10, 20]] * 2


@given(seed=st.integers(0, 10_000))
def test_drawn_homographies_keep_most_of_the_image_in_view_and_face_it(seed):
    size = (120, 80)
    homography = draw_homography(size, np.random.default_rng(seed))
    corners = np.array([[0.0, 0], [119, 0], [119, 79], [0, 79], [59.5, 39.5]])
    mapped = map_points(corners, homography)
    assert np.isfinite(mapped).all()
    np.testing.assert_allclose(map_points(mapped, inverse(homography)), corners, atol=1e-6)
    # The centre goes no further than the largest shift.
    assert np.all(np.abs(mapped[4] - corners[4]) <= np.array([6, 4]) + 1e-9)
    x, y = np.meshgrid(np.arange(0, 120, 4), np.arange(0, 80, 4))
    grid = np.stack([x.ravel(), y.ravel()], axis=1).astype(float)
    assert lie_inside(map_points(grid, homography), size).mean() > 0.4


def test_size_changes_by_up_to_15_percent_from_the_centre_to_an_edge():
    generator = np.random.default_rng(0)
    depths = np.array([draw_homography((120, 80), generator)[2] for _ in range(200)])
    right, below = [119.5, 39.5, 1], [59.5, 79.5, 1]
    for edge in (right, below):
        change = depths @ edge - 1
        assert -0.1501 <= change.min() < -0.14
        assert 0.14 < change.max() <= 0.1501


def test_the_same_generator_draws_the_same_homography():
    first, second = (draw_homography((64, 64), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, draw_homography((64, 64), np.random.default_rng(4)))


@pytest.mark.parametrize("size", [(20, 30), (31, 17)])
def test_the_inverse_undoes(size):
    homography = similarity(size, 33, 1.2)
    np.testing.assert_allclose(inverse(homography) @ homography, np.eye(3), atol=1e-12)
