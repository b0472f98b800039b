import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.ellipses import draw_ellipses, draw_spots
from landmark_discovery.bootstrap_training.shapes.scene import OVERSAMPLING, paint

BACKGROUND = np.full((512, 512), 128, np.float32)
SEED = st.integers(0, 2**32)


def least_gap(scene):
    gaps = [
        np.linalg.norm(area.outline[:, None] - other.outline, axis=2).min()
        for n, area in enumerate(scene.areas)
        for other in scene.areas[:n]
    ]
    return min(gaps, default=np.inf)


@given(SEED)
def test_ellipses_have_no_keypoint_and_stay_apart(seed):
    scene = draw_ellipses(np.random.default_rng(seed), 128, BACKGROUND)
    assert scene.points.shape == (0, 2)
    assert least_gap(scene) > 5


@given(SEED)
def test_each_spot_is_a_keypoint_at_its_centre(seed):
    scene = draw_spots(np.random.default_rng(seed), 128, BACKGROUND)
    assert 1 <= len(scene.areas) == len(scene.points)
    assert least_gap(scene) > 5
    for area, point in zip(scene.areas, scene.points, strict=True):
        np.testing.assert_allclose(area.outline.mean(axis=0), point, atol=1e-9)
        assert np.linalg.norm(area.outline - point, axis=1).max() <= 4


@given(SEED)
def test_a_spot_is_drawn_where_it_is_labelled(seed):
    scene = draw_spots(np.random.default_rng(seed), 128, BACKGROUND)
    for area, point in zip(scene.areas, scene.points, strict=True):
        if point.min() > 5 and point.max() < 122:
            ink = np.abs(paint(BACKGROUND, (area,)) - 128)
            rows, columns = np.indices(ink.shape)
            centre = [(ink * columns).sum() / ink.sum(), (ink * rows).sum() / ink.sum()]
            np.testing.assert_allclose(centre, point, atol=0.25)
    assert BACKGROUND.shape[0] == 128 * OVERSAMPLING
