"""Polygons, one or several over one another."""

from __future__ import annotations

import numpy as np

from landmark_discovery.bootstrap_training.shapes.geometry2d import (
    corner_angles,
    crossings,
    least_distance,
    outline_segments,
    uncovered,
)
from landmark_discovery.bootstrap_training.shapes.levels import MOST_LEVELS, contrasting_levels
from landmark_discovery.bootstrap_training.shapes.scene import (
    LEAST_GAP_PX,
    Area,
    GreyMap,
    Scene,
    draw_until,
    no_points,
)
from landmark_discovery.geometry import FloatArray

# A corner between such sides is a needle, or none that can be seen.
SHARPEST_DEGREES, BLUNTEST_DEGREES = 25.0, 150.0
_MOST_CORNERS = 7


def draw_polygon(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw one polygon, convex or not; its corners are keypoints.

    Args:
        generator: draws it.
        size_px: width and height of the image.
        background: what it stands out from.
    """
    outline = _draw_outline(generator, size_px, (0.25, 0.75), (0.2, 0.5))
    return Scene((Area(outline, float(contrasting_levels(generator, background, 1)[0])),), outline)


def draw_polygons(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw several polygons; their corners and the crossings of their outlines are keypoints, unless hidden.

    Args:
        generator: draws them.
        size_px: width and height of the image.
        background: what they stand out from.
    """
    count = int(generator.integers(2, MOST_LEVELS + 1))
    outlines = [_draw_outline(generator, size_px, (0.1, 0.9), (0.12, 0.35)) for _ in range(count)]
    levels = contrasting_levels(generator, background, count)
    areas = tuple(Area(outline, float(level)) for outline, level in zip(outlines, levels, strict=True))
    return Scene(areas, visible_corners(outlines))


def visible_corners(outlines: list[FloatArray]) -> FloatArray:
    """Give the corners and the crossings (k, 2) of outlines that no later one of them covers."""
    found = [no_points()]
    for n, outline in enumerate(outlines):
        found.append(_shown(outline, outlines[n + 1 :]))
        for m in range(n + 1, len(outlines)):
            met = crossings(outline_segments(outline), outline_segments(outlines[m]))
            found.append(_shown(met, outlines[n + 1 : m] + outlines[m + 1 :]))
    return np.concatenate(found)


def _shown(points: FloatArray, outlines: list[FloatArray]) -> FloatArray:
    for outline in outlines:
        points = uncovered(points, outline)
    return points


def _draw_outline(
    generator: np.random.Generator, size_px: int, center: tuple[float, float], radius: tuple[float, float]
) -> FloatArray:
    """Draw a polygon round a place, both ranges in shares of the image's size."""
    place = generator.uniform(*center, 2) * size_px
    return place + draw_until(lambda: _draw_corners(generator, generator.uniform(*radius) * size_px), is_clear)


def _draw_corners(generator: np.random.Generator, radius_px: float) -> FloatArray:
    count = int(generator.integers(3, _MOST_CORNERS + 1))
    # No two neighbours are half a turn apart, so that the sides don't cross; squeezing doesn't change that.
    angles = (np.arange(count) + generator.uniform(-0.24, 0.24, count)) * 2 * np.pi / count
    radii = radius_px * generator.uniform(0.4, 1, count)
    corners = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return turned(corners * [1, generator.uniform(0.4, 1)], generator.uniform(0, 2 * np.pi))


def is_clear(outline: FloatArray) -> bool:
    """Tell whether the corners of a polygon (n, 2) keep their distance, neither needles nor almost straight."""
    angles = corner_angles(outline)
    clear = np.all((angles >= SHARPEST_DEGREES) & (angles <= BLUNTEST_DEGREES))
    return bool(clear) and least_distance(outline) >= LEAST_GAP_PX


def turned(points: FloatArray, angle: float) -> FloatArray:
    """Turn points (n, 2) about the origin by an angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cosine, sine], [-sine, cosine]]))
