"""One image of a drawn shape and its keypoints (DeTone, Malisiewicz and Rabinovich 2018, section 4)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap_training.shapes.boards import draw_checkerboard, draw_stripes
from landmark_discovery.bootstrap_training.shapes.cubes import draw_cube
from landmark_discovery.bootstrap_training.shapes.ellipses import draw_ellipses, draw_spots
from landmark_discovery.bootstrap_training.shapes.geometry2d import thinned
from landmark_discovery.bootstrap_training.shapes.levels import draw_background, draw_noise, finish
from landmark_discovery.bootstrap_training.shapes.lines import draw_lines, draw_star
from landmark_discovery.bootstrap_training.shapes.polygons import draw_polygon, draw_polygons
from landmark_discovery.bootstrap_training.shapes.scene import OVERSAMPLING, GreyMap, Scene, no_points, paint
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.geometry import FloatArray

_DRAWERS: dict[str, Callable[[np.random.Generator, int, GreyMap], Scene]] = {
    "lines": draw_lines,
    "polygon": draw_polygon,
    "polygons": draw_polygons,
    "star": draw_star,
    "checkerboard": draw_checkerboard,
    "stripes": draw_stripes,
    "cube": draw_cube,
    "ellipses": draw_ellipses,
    "spots": draw_spots,
}
SHAPE_KINDS = (*_DRAWERS, "noise")
# Smaller images have no room for shapes whose keypoints keep their distance.
LEAST_SIZE_PX = 32
# Of visible points that are nearer than this, one stays: no detector tells them apart.
_LEAST_DISTANCE_PX = 2.0


def draw_shape(
    kind: str, size_px: int, generator: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Draw an image of a shape.

    Args:
        kind: one of `SHAPE_KINDS`.
        size_px: width and height, at least `LEAST_SIZE_PX`.
        generator: draws what differs between images of a kind.

    Returns:
        The grey image (size, size), and the keypoints (n, 2) that can be seen in it, in pixels; large ellipses
        and noise have none.

    Raises:
        UserError: an unknown kind, or a size that is too small.
    """
    if kind not in SHAPE_KINDS:
        raise UserError(f"unknown kind of shape {kind!r}", remedy=nearest_name(kind, SHAPE_KINDS))
    if size_px < LEAST_SIZE_PX:
        raise UserError(f"an image of {size_px} px is too small for shapes", remedy=f"at least {LEAST_SIZE_PX} px")
    if kind == "noise":
        return finish(generator, draw_noise(generator, size_px)), no_points()
    background = draw_background(generator, size_px * OVERSAMPLING)
    scene = _DRAWERS[kind](generator, size_px, background)
    points = thinned(_inside(scene.points, size_px), _LEAST_DISTANCE_PX)
    return finish(generator, paint(background, scene.areas)), points


def _inside(points: FloatArray, size_px: int) -> FloatArray:
    """Keep those of the points (n, 2) that lie between the outermost pixel centres."""
    return points[np.all((points >= 0) & (points <= size_px - 1), axis=1)]
