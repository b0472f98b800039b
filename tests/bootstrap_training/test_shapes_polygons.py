import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.geometry2d import crossings, outline_segments
from landmark_discovery.bootstrap_training.shapes.levels import LEAST_CONTRAST
from landmark_discovery.bootstrap_training.shapes.polygons import (
    draw_polygon,
    draw_polygons,
    is_clear,
    visible_corners,
)

BACKGROUND = np.full((512, 512), 128, np.float32)
SEED = st.integers(0, 2**32)


def rectangle(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def as_set(points):
    return {tuple(point) for point in np.round(points, 6).tolist()}


def inside(point, outline):
    """Count the sides that a ray to the right meets: an odd number from within."""
    count = 0
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if (y0 > point[1]) != (y1 > point[1]):
            count += point[0] < x0 + (point[1] - y0) / (y1 - y0) * (x1 - x0)
    return count % 2 == 1


def test_a_covered_corner_is_dropped_and_crossings_of_outlines_are_kept():
    below, above = rectangle(0, 0, 40, 40), rectangle(20, 20, 60, 60)
    expected = as_set(below[[0, 1, 3]]) | as_set(above) | {(40, 20), (20, 40)}
    found = visible_corners([below, above])
    assert as_set(found) == expected
    assert len(found) == len(expected)


def test_a_crossing_under_a_third_outline_is_hidden_whenever_that_one_is_drawn_after_the_first():
    below, above, cover = rectangle(0, 0, 40, 40), rectangle(20, 20, 60, 60), rectangle(35, 10, 50, 30)
    assert (40, 20) in as_set(visible_corners([cover, below, above]))
    # Drawn between the two it hides the side of the first that would cross, drawn last it hides both.
    for order in ([below, cover, above], [below, above, cover]):
        assert (40, 20) not in as_set(visible_corners(order))


def test_a_polygon_wholly_covered_has_no_keypoint():
    small, large = rectangle(10, 10, 20, 20), rectangle(0, 0, 40, 40)
    assert as_set(visible_corners([small, large])) == as_set(large)
    assert as_set(visible_corners([large, small])) == as_set(large) | as_set(small)


@pytest.mark.parametrize(
    ("outline", "expected"),
    [
        (rectangle(0, 0, 20, 20), True),
        (rectangle(0, 0, 4, 20), False),
        # A needle, and a corner that is almost straight.
        (np.array([[0.0, 0.0], [50.0, 5.0], [50.0, -5.0]]), False),
        (np.array([[0.0, 0.0], [20.0, 2.0], [40.0, 0.0], [20.0, 40.0]]), False),
        # A notch is a corner like any other.
        (np.array([[0.0, 0.0], [20.0, 15.0], [40.0, 0.0], [20.0, 40.0]]), True),
    ],
)
def test_corners_are_to_be_seen(outline, expected):
    assert is_clear(outline) is expected


@given(SEED)
def test_a_polygon_does_not_cross_itself_and_all_its_corners_are_keypoints(seed):
    scene = draw_polygon(np.random.default_rng(seed), 128, BACKGROUND)
    (area,) = scene.areas
    assert as_set(scene.points) == as_set(area.outline)
    assert is_clear(area.outline)
    sides = outline_segments(area.outline)
    met = crossings(sides, sides)
    assert as_set(met) == as_set(area.outline)


@given(SEED)
def test_no_keypoint_is_labelled_under_a_later_polygon(seed):
    scene = draw_polygons(np.random.default_rng(seed), 128, BACKGROUND)
    outlines = [area.outline for area in scene.areas]
    kept = as_set(scene.points)
    for n, outline in enumerate(outlines):
        for corner in outline:
            if any(inside(corner, later) for later in outlines[n + 1 :]):
                assert tuple(np.round(corner, 6)) not in kept
    # Those of the last one are all there.
    assert as_set(outlines[-1]) <= kept


@given(SEED)
def test_polygons_differ_in_level_from_one_another_and_from_what_is_behind(seed):
    scene = draw_polygons(np.random.default_rng(seed), 128, BACKGROUND)
    levels = np.sort([area.level for area in scene.areas] + [128.0])
    assert np.diff(levels).min() >= LEAST_CONTRAST
