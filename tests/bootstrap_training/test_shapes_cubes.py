import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.cubes import draw_cube, signed_areas, visible_faces
from landmark_discovery.bootstrap_training.shapes.levels import LEAST_CONTRAST

BACKGROUND = np.full((512, 512), 128, np.float32)


def vertices(shift_x, shift_y):
    """Project a box with a near face from (0, 0) to (10, 10), its far face shifted."""
    near, far = [[0, 0], [0, 10], [10, 0], [10, 10]], np.array([shift_x, shift_y])
    # In the order of x, y, z, the last fastest: each near vertex, then the far one behind it.
    return np.stack([np.array(near, float), np.array(near, float) + far], axis=1).reshape(8, 2)


def corners_of(faces):
    return {tuple(corner) for corner in faces.reshape(-1, 2).tolist()}


def test_a_square_has_the_area_of_its_direction():
    square = np.array([[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]])
    assert signed_areas(square).tolist() == [4]
    assert signed_areas(square[:, ::-1]).tolist() == [-4]


@pytest.mark.parametrize(("shift_x", "shift_y"), [(4, 3), (-4, 3), (4, -3), (-4, -3)])
def test_of_a_box_that_shows_three_faces_the_corner_behind_is_hidden(shift_x, shift_y):
    faces = visible_faces(vertices(shift_x, shift_y))
    assert len(faces) == 3
    hidden = (10 + shift_x if shift_x < 0 else shift_x, 10 + shift_y if shift_y < 0 else shift_y)
    seen = corners_of(faces)
    assert len(seen) == 7
    assert hidden not in seen


def test_a_box_seen_from_straight_ahead_shows_two_faces_or_one():
    assert len(visible_faces(vertices(4, 0))) == 2
    assert corners_of(visible_faces(vertices(0, 0))) == {(0, 0), (0, 10), (10, 0), (10, 10)}


@given(st.integers(0, 2**32))
def test_faces_that_are_seen_fill_the_outline_of_the_box_without_overlapping(seed):
    scene = draw_cube(np.random.default_rng(seed), 128, BACKGROUND)
    faces = np.array([area.outline for area in scene.areas])
    # A box is convex: what can be seen of it is the convex hull of its corners, each spot once.
    hull = cv2.convexHull(faces.reshape(-1, 2).astype(np.float32))
    assert signed_areas(faces).sum() == pytest.approx(cv2.contourArea(hull), rel=1e-4)
    assert len(scene.points) == {1: 4, 2: 6, 3: 7}[len(faces)]
    assert corners_of(faces) == corners_of(scene.points)


@given(st.integers(0, 2**32))
def test_faces_differ_in_level_from_one_another_and_from_what_is_behind(seed):
    scene = draw_cube(np.random.default_rng(seed), 128, BACKGROUND)
    levels = np.sort([area.level for area in scene.areas] + [128.0])
    assert np.diff(levels).min() >= LEAST_CONTRAST


def test_opposite_sides_of_a_face_come_nearer_with_distance():
    ratios = []
    for seed in range(20):
        for area in draw_cube(np.random.default_rng(seed), 128, BACKGROUND).areas:
            sides = np.linalg.norm(np.roll(area.outline, -1, axis=0) - area.outline, axis=1)
            ratios.append(max(sides[0] / sides[2], sides[2] / sides[0]))
    assert min(ratios) > 1
    assert max(ratios) > 1.2
