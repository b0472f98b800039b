"""Rotation, size and place of the head in the picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landmark_discovery.data.synthetic.face_model import face_model
from landmark_discovery.data.synthetic.pose import place_camera, rotation_matrix

MODEL = face_model()
POINTS = MODEL.landmarks(MODEL.surface({}, {"close_mouth": 1.0}))
FORWARD = np.array([0.0, 0.0, 1.0])


def test_no_rotation_changes_nothing():
    np.testing.assert_allclose(rotation_matrix(0, 0, 0), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("angles", "direction"),
    [((90, 0, 0), [1, 0, 0]), ((0, 90, 0), [0, 1, 0]), ((0, 0, 90), [0, 0, 1]), ((-90, 0, 0), [-1, 0, 0])],
)
def test_the_nose_turns_where_the_angles_say(angles, direction):
    np.testing.assert_allclose(rotation_matrix(*angles) @ FORWARD, direction, atol=1e-12)


def test_roll_turns_clockwise():
    # What pointed to the right of the picture points down, where y grows.
    np.testing.assert_allclose(rotation_matrix(0, 0, 90) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


@given(angles=st.tuples(*[st.floats(-90, 90)] * 3))
def test_rotations_keep_lengths_and_hands(angles):
    rotation = rotation_matrix(*angles)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_the_box_of_the_points_has_the_height_and_place_asked_for():
    camera = place_camera(POINTS, np.array([20.0, 5.0, -10.0]), 0.5, np.zeros(2), 160)
    flat = camera.project(POINTS)[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    assert high[1] - low[1] == pytest.approx(80)
    np.testing.assert_allclose((low + high) / 2, [79.5, 79.5])


@given(
    yaw=st.floats(-45, 45),
    pitch=st.floats(-20, 20),
    roll=st.floats(-25, 25),
    height=st.floats(0.45, 0.75),
    right=st.floats(-1, 1),
    down=st.floats(-1, 1),
    size=st.integers(48, 300),
)
@settings(max_examples=60, deadline=None)
def test_all_points_are_in_the_picture(yaw, pitch, roll, height, right, down, size):
    camera = place_camera(POINTS, np.array([yaw, pitch, roll]), height, np.array([right, down]), size)
    flat = camera.project(POINTS)[:, :2]
    assert flat.min() >= 0
    assert flat.max() <= size - 1


def test_a_larger_picture_shows_the_same_at_matching_pixels():
    camera = place_camera(POINTS, np.array([10.0, 0.0, 0.0]), 0.5, np.array([0.2, 0.1]), 100)
    small, large = camera.project(POINTS), camera.enlarged(1.5).project(POINTS)
    np.testing.assert_allclose(large[:, :2], (small[:, :2] + 0.5) * 1.5 - 0.5)
    np.testing.assert_allclose(large[:, 2], small[:, 2] * 1.5)


def test_projecting_leaves_its_argument_alone():
    before = POINTS.copy()
    place_camera(POINTS, np.zeros(3), 0.5, np.zeros(2), 100).project(POINTS)
    np.testing.assert_array_equal(POINTS, before)
