"""What an image of drawn shapes consists of: areas of one grey level, laid over one another, and their keypoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.geometry import FloatArray, resize_points

# Drawn so many times larger and shrunk by area: edges are smooth, and OpenCV's outline adds an eighth of a pixel.
OVERSAMPLING = 4
# Keypoints, and what lies between them, are at least so far apart: nearer ones melt into one.
LEAST_GAP_PX = 5.0
# OpenCV takes whole numbers with so many binary digits behind the point.
_FRACTION_BITS = 8

_Drawn = TypeVar("_Drawn")
GreyMap = NDArray[np.float32]


@dataclass(frozen=True)
class Area:
    """Hold a filled polygon.

    Attributes:
        outline: (n, 2) in pixels of the image; it doesn't cross itself.
        level: grey level, 0 to 255.
    """

    outline: FloatArray
    level: float


@dataclass(frozen=True)
class Scene:
    """Hold what is drawn.

    Attributes:
        areas: in the order of drawing, a later one over the earlier ones.
        points: keypoints that no area hides, (n, 2) in pixels; some may lie outside the image.
    """

    areas: tuple[Area, ...]
    points: FloatArray


def paint(background: GreyMap, areas: tuple[Area, ...]) -> GreyMap:
    """Paint areas over a background.

    Args:
        background: (H, W), each `OVERSAMPLING` times the image's.
        areas: in pixels of the image.

    Returns:
        The image, (H / OVERSAMPLING, W / OVERSAMPLING).
    """
    canvas = background.copy()
    for area in areas:
        outline = resize_points(area.outline, 1, OVERSAMPLING) * 2**_FRACTION_BITS
        cv2.fillPoly(canvas, [np.rint(outline).astype(np.int32)], area.level, cv2.LINE_8, _FRACTION_BITS)
    height, width = canvas.shape
    size = (width // OVERSAMPLING, height // OVERSAMPLING)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def stroke(start: FloatArray, end: FloatArray, width_px: float) -> FloatArray:
    """Give the outline (4, 2) of a straight line of some width with flat ends."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]]) * width_px / 2
    return np.stack([start + across, end + across, end - across, start - across])


def no_points() -> FloatArray:
    """Give an empty array of points, (0, 2)."""
    return np.zeros((0, 2))


def draw_until(draw: Callable[[], _Drawn], accept: Callable[[_Drawn], bool]) -> _Drawn:
    """Draw again and again until something is accepted; for what is accepted at least once in some dozens of times."""
    drawn = draw()
    while not accept(drawn):
        drawn = draw()
    return drawn
