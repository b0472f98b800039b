"""Light: facing, cast darkness, blending."""

import numpy as np
import pytest

from landmark_discovery.data.synthetic.appearance import sample_scene
from landmark_discovery.data.synthetic.rasteriser import Fragments
from landmark_discovery.data.synthetic.shading import (
    Lit,
    blend,
    cast_shadow,
    lookup,
    matt_light,
    ramp,
    shine,
    view_normals,
)

WRAP = np.zeros(3, dtype=np.float32)


def scene_with(**changes):
    scene = sample_scene(np.random.default_rng(0))
    return type(scene)(**{**vars(scene), **changes})


def white_light(direction):
    light = np.array(direction, dtype=np.float32)
    return scene_with(light=light, key=np.ones(3, np.float32), ambient=np.zeros(3, np.float32))


def lit(*normals, arrives=1.0):
    return Lit(np.array(normals, dtype=np.float32).T, np.full(len(normals), arrives, dtype=np.float32))


def test_light_falls_off_with_the_angle_and_stops_at_the_edge():
    light = matt_light(white_light([0, 0, 1]), lit([0, 0, 1], [0.8, 0, 0.6], [1, 0, 0], [0, 0, -1]), 1.0, WRAP)
    np.testing.assert_allclose(light, [[1, 0.6, 0, 0]] * 3, atol=1e-6)


def test_light_creeps_round_the_bend_of_skin():
    wrap = np.array([0.5, 0.0, 0.0], dtype=np.float32)
    light = matt_light(white_light([0, 0, 1]), lit([1, 0, 0]), 1.0, wrap)
    np.testing.assert_allclose(light[:, 0], [0.5 / 1.5, 0, 0], atol=1e-6)


def test_where_no_light_arrives_only_the_surroundings_shine():
    scene = scene_with(ambient=np.full(3, 0.5, np.float32))
    light = matt_light(scene, lit([0, 0, 1], arrives=0.0), 1.0, WRAP)
    np.testing.assert_allclose(light, 0.36, atol=1e-6)


def test_more_light_comes_from_above_than_from_below():
    scene = scene_with(key=np.zeros(3, np.float32), ambient=np.ones(3, np.float32))
    above, below = matt_light(scene, lit([0, -1, 0], [0, 1, 0]), 1.0, WRAP)[0]
    assert above == pytest.approx(1.0)
    assert below == pytest.approx(0.44)


def test_shine_is_strongest_halfway_to_the_light():
    scene = white_light([0.6, 0, 0.8])
    halfway = np.array([0.6, 0, 1.8]) / np.hypot(0.6, 1.8)
    strengths = shine(scene, lit(halfway, [0, 0, 1], [0.6, 0, 0.8]), 20.0)
    assert strengths[0] == pytest.approx(1, abs=1e-4)
    assert strengths[0] > strengths[1]
    assert strengths[0] > strengths[2]


def test_a_wall_darkens_the_side_away_from_the_light():
    depth = np.zeros((80, 80), dtype=np.float32)
    depth[:, 38:42] = 40.0
    arrives = cast_shadow(depth, 10.0, np.array([0.8, 0.0, 0.6], dtype=np.float32))
    # The light comes from the right of the picture.
    assert arrives[40, 30] < 0.5
    assert arrives[40, 55] == pytest.approx(1.0)


def test_a_level_surface_casts_nothing_and_neither_does_empty_space():
    depth = np.zeros((60, 60), dtype=np.float32)
    depth[:, 30:] = -np.inf
    np.testing.assert_allclose(cast_shadow(depth, 8.0, np.array([0.6, 0.0, 0.8], dtype=np.float32)), 1.0)


def test_light_from_straight_ahead_casts_nothing():
    depth = np.random.default_rng(0).uniform(0, 50, (40, 40)).astype(np.float32)
    np.testing.assert_allclose(cast_shadow(depth, 8.0, np.array([0, 0, 1], dtype=np.float32)), 1.0)


def test_blending_and_ramps():
    below, above = np.zeros((3, 2), np.float32), np.array([[1.0], [2.0], [4.0]], np.float32)
    assert blend(below, above, np.array([0.5, 1.0], np.float32)).tolist() == [[0.5, 1], [1, 2], [2, 4]]
    assert ramp(np.array([0.0, 1.0, 2.0, 3.0, 9.0], np.float32), 1.0, 3.0).tolist() == [0, 0, 0.5, 1, 1]


def fragments_at(rows, columns):
    return Fragments(np.arange(len(rows)), np.array(rows, np.float32), np.array(columns, np.float32))


def test_a_grid_is_interpolated_at_fragments():
    grid = np.zeros((2, 2, 3))
    grid[..., 0], grid[..., 1] = [[0, 1], [0, 1]], [[0, 0], [2, 2]]
    np.testing.assert_allclose(
        lookup(grid, fragments_at([0, 0.5, 1], [1, 0.5, 0])).T, [[1, 0, 0], [0.5, 1, 0], [0, 2, 0]]
    )


def test_long_lists_of_fragments_are_looked_up_whole():
    grid = np.tile(np.arange(2.0)[:, None, None], (1, 2, 3))
    rows = np.linspace(0, 1, 100_000)
    np.testing.assert_allclose(lookup(grid, fragments_at(rows, 0 * rows))[0], rows, atol=0.02)


def test_the_back_of_a_sheet_turns_its_normals_round():
    normals = np.tile([0.0, 0.0, -2.0], (2, 2, 1))
    np.testing.assert_allclose(view_normals(normals, fragments_at([0.5], [0.5]), np.eye(3))[:, 0], [0, 0, 1])
