"""Ellipses: large ones, which have no keypoint, and spots, which are keypoints themselves."""

from __future__ import annotations

import numpy as np

from landmark_discovery.bootstrap_training.shapes.levels import MOST_LEVELS, contrasting_levels
from landmark_discovery.bootstrap_training.shapes.polygons import turned
from landmark_discovery.bootstrap_training.shapes.scene import LEAST_GAP_PX, Area, GreyMap, Scene, no_points
from landmark_discovery.geometry import FloatArray

_MOST_ELLIPSES, _ELLIPSE_CORNERS = 8, 72
_LEAST_SPOTS, _MOST_SPOTS = 4, 14
# A spot is what one cell of the network sees whole.
_SPOT_RADIUS_PX = (1.2, 4.0)


def draw_ellipses(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw ellipses that don't touch one another; no keypoint.

    Args:
        generator: draws them.
        size_px: width and height of the image.
        background: what they stand out from.
    """
    count = int(generator.integers(1, _MOST_ELLIPSES + 1))
    scene = _draw_apart(generator, size_px, background, count, (0.07 * size_px, 0.3 * size_px))
    return Scene(scene.areas, no_points())


def draw_spots(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw tiny ellipses that don't touch one another; their centres are keypoints.

    Args:
        generator: draws them.
        size_px: width and height of the image.
        background: what they stand out from.
    """
    count = int(generator.integers(_LEAST_SPOTS, _MOST_SPOTS + 1))
    return _draw_apart(generator, size_px, background, count, _SPOT_RADIUS_PX)


def _draw_apart(
    generator: np.random.Generator, size_px: int, background: GreyMap, count: int, radius_px: tuple[float, float]
) -> Scene:
    """Draw up to so many ellipses, with their centres as points; one that would touch another is left out."""
    levels = contrasting_levels(generator, background, MOST_LEVELS)
    circles: list[tuple[FloatArray, float]] = []
    areas: list[Area] = []
    for _ in range(count):
        center, radius = generator.uniform(0, 1, 2) * size_px, float(generator.uniform(*radius_px))
        if all(np.linalg.norm(center - other) > radius + beside + LEAST_GAP_PX for other, beside in circles):
            circles.append((center, radius))
            areas.append(Area(_draw_ellipse(generator, center, radius), float(generator.choice(levels))))
    return Scene(tuple(areas), np.stack([center for center, _ in circles]))


def _draw_ellipse(generator: np.random.Generator, center: FloatArray, radius_px: float) -> FloatArray:
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_CORNERS, endpoint=False)
    # A flatter one would seem to have corners at its ends.
    flat = np.stack([np.cos(angles), generator.uniform(0.4, 1) * np.sin(angles)], axis=1)
    return center + turned(radius_px * flat, generator.uniform(0, 2 * np.pi))
