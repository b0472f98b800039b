import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.geometry2d import least_distance
from landmark_discovery.bootstrap_training.shapes.lines import (
    LEAST_ANGLE_DEGREES,
    draw_lines,
    draw_star,
    fits,
    keypoints_of_lines,
)
from landmark_discovery.bootstrap_training.shapes.scene import LEAST_GAP_PX

BACKGROUND = np.full((512, 512), 128, np.float32)
LEVEL = [[0.0, 50.0], [100.0, 50.0]]


def lines(*ends):
    return np.array(ends, dtype=np.float64)


def as_set(points):
    return {tuple(np.round(point, 6)) for point in points.tolist()}


def test_ends_and_crossings_are_keypoints():
    found = keypoints_of_lines(lines(LEVEL, [[40.0, 10.0], [40.0, 90.0]]))
    assert as_set(found) == {(0, 50), (100, 50), (40, 10), (40, 90), (40, 50)}
    assert len(found) == 5


def test_a_place_where_several_lines_meet_is_one_keypoint():
    found = keypoints_of_lines(lines(LEVEL, [[0.0, 50.0], [20.0, 90.0]], [[60.0, 50.0], [70.0, 10.0]]))
    assert as_set(found) == {(0, 50), (100, 50), (20, 90), (60, 50), (70, 10)}
    assert len(found) == 5


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ([[40.0, 10.0], [40.0, 90.0]], True),
        ([[40.0, 50.0], [40.0, 90.0]], True),
        ([[0.0, 50.0], [0.0, 90.0]], True),
        ([[10.0, 80.0], [90.0, 80.0]], True),
        # Ends short of the other line, or just beyond it.
        ([[40.0, 53.0], [40.0, 90.0]], False),
        ([[40.0, 47.0], [40.0, 90.0]], False),
        # The other's end is beside it.
        ([[2.0, 10.0], [2.0, 90.0]], False),
        # At a small angle, or side by side.
        ([[10.0, 40.0], [90.0, 60.0]], False),
        ([[10.0, 52.0], [90.0, 52.0]], False),
        # Shorter than keypoints may be apart.
        ([[40.0, 10.0], [43.0, 10.0]], False),
    ],
)
def test_lines_meet_clearly_or_keep_their_distance(segment, expected):
    assert fits(np.array(segment), lines(LEVEL)) is expected


def test_crossings_keep_their_distance_too():
    bundle = lines(LEVEL, [[40.0, 10.0], [40.0, 90.0]])
    # It would cross the level line 3 px from where the upright one does.
    assert not fits(np.array([[3.0, 10.0], [83.0, 90.0]]), bundle)
    assert fits(np.array([[20.0, 10.0], [100.0, 90.0]]), bundle)


@given(st.integers(0, 2**32))
def test_every_line_drawn_ends_at_keypoints(seed):
    scene = draw_lines(np.random.default_rng(seed), 128, BACKGROUND)
    assert least_distance(scene.points) >= LEAST_GAP_PX
    for area in scene.areas:
        for end in (area.outline[[0, 3]].mean(axis=0), area.outline[[1, 2]].mean(axis=0)):
            assert np.linalg.norm(scene.points - end, axis=1).min() < 1e-6


@given(st.integers(0, 2**32))
def test_a_star_has_its_centre_and_the_ends_of_its_rays(seed):
    scene = draw_star(np.random.default_rng(seed), 128, BACKGROUND)
    assert len(scene.points) == len(scene.areas) + 1 >= 4
    center = scene.points[0]
    rays = scene.points[1:] - center
    assert np.linalg.norm(rays, axis=1).min() >= 0.15 * 128 - 1e-9
    angles = np.sort(np.degrees(np.arctan2(rays[:, 1], rays[:, 0])))
    assert np.diff(angles, append=angles[0] + 360).min() >= LEAST_ANGLE_DEGREES - 1e-6


def test_some_lines_cross_and_some_join():
    scenes = [draw_lines(np.random.default_rng(seed), 128, BACKGROUND) for seed in range(60)]
    surplus = [len(scene.points) - 2 * len(scene.areas) for scene in scenes]
    assert max(surplus) > 0
    assert min(surplus) < 0
