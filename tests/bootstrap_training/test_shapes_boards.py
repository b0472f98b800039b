import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.boards import draw_checkerboard, draw_stripes
from landmark_discovery.bootstrap_training.shapes.geometry2d import cross
from landmark_discovery.bootstrap_training.shapes.levels import LEAST_CONTRAST
from landmark_discovery.bootstrap_training.shapes.scene import LEAST_GAP_PX

BACKGROUND = np.full((512, 512), 128, np.float32)
SEED = st.integers(0, 2**32)


def sides_of(outline):
    """Name each side by its two ends, whatever their order."""
    corners = [tuple(corner) for corner in outline.tolist()]
    return [frozenset(pair) for pair in zip(corners, corners[1:] + corners[:1], strict=True)]


def shared_sides(scene):
    cells = {}
    for number, area in enumerate(scene.areas):
        for side in sides_of(area.outline):
            cells.setdefault(side, []).append(number)
    return cells


@given(SEED)
def test_cells_that_share_a_side_differ_in_level(seed):
    scene = draw_checkerboard(np.random.default_rng(seed), 128, BACKGROUND)
    owners = shared_sides(scene)
    assert {len(cells) for cells in owners.values()} == {1, 2}
    levels = np.array([area.level for area in scene.areas])
    assert np.abs(levels - 128).min() >= LEAST_CONTRAST
    for cells in owners.values():
        if len(cells) == 2:
            assert abs(levels[cells[0]] - levels[cells[1]]) >= LEAST_CONTRAST


def test_two_tones_make_a_checkerboard():
    scenes = [draw_checkerboard(np.random.default_rng(seed), 128, BACKGROUND) for seed in range(30)]
    with_two = [scene for scene in scenes if len({area.level for area in scene.areas}) == 2]
    assert 0 < len(with_two) < len(scenes)
    for scene in with_two:
        rows = sum(area.level == scene.areas[0].level for area in scene.areas)
        assert rows == (len(scene.areas) + 1) // 2


@given(SEED)
def test_every_corner_of_a_cell_is_a_keypoint_once(seed):
    for draw in (draw_checkerboard, draw_stripes):
        scene = draw(np.random.default_rng(seed), 128, BACKGROUND)
        corners = {tuple(corner) for area in scene.areas for corner in area.outline.tolist()}
        assert corners == {tuple(point) for point in scene.points.tolist()}
        assert len(corners) == len(scene.points)


@given(SEED)
def test_cells_are_convex_all_the_same_way_round_and_not_too_small(seed):
    for draw in (draw_checkerboard, draw_stripes):
        turns = []
        for area in draw(np.random.default_rng(seed), 64, BACKGROUND[:256, :256]).areas:
            sides = np.roll(area.outline, -1, axis=0) - area.outline
            assert np.linalg.norm(sides, axis=1).min() >= LEAST_GAP_PX
            turns.append(np.sign(cross(sides, np.roll(sides, -1, axis=0))))
        assert np.unique(turns).size == 1


@given(SEED)
def test_straight_lines_of_a_board_stay_straight_in_perspective(seed):
    scene = draw_stripes(np.random.default_rng(seed), 128, BACKGROUND)
    for row in scene.points.reshape(2, -1, 2):
        along = row[-1] - row[0]
        distance = cross(along, row - row[0]) / np.linalg.norm(along)
        np.testing.assert_allclose(distance, 0, atol=1e-3)


def test_stripes_have_two_keypoints_more_than_twice_their_number():
    for seed in range(10):
        scene = draw_stripes(np.random.default_rng(seed), 128, BACKGROUND)
        assert len(scene.points) == 2 * len(scene.areas) + 2
