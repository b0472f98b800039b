"""Homographies between images of one size: points mapped, images warped, random ones drawn.

A homography (3, 3) maps the pixels (x, y, 1) of a first image to those of a second. Whole numbers are pixel centres.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.geometry import FloatArray

# What the held-out homographies are drawn from.
MAX_ROTATION_DEGREES = 25.0
SCALE_RANGE = (0.8, 1.25)
# Of the image's side, in x and in y.
MAX_TRANSLATION = 0.05
# Size changes by up to this share from the centre to an edge, in x and in y.
MAX_PERSPECTIVE = 0.15


def map_points(points: ArrayLike, homography: NDArray[np.float64]) -> FloatArray:
    """Map points (n, 2); NaN for points that the second camera has behind it."""
    coordinates = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    mapped = np.column_stack([coordinates, np.ones(len(coordinates))]) @ homography.T
    depth = np.where(mapped[:, 2:] > 0, mapped[:, 2:], np.nan)
    return np.asarray(mapped[:, :2] / depth)


def inverse(homography: NDArray[np.float64]) -> FloatArray:
    """Give the homography (3, 3) from the second image to the first."""
    return np.asarray(np.linalg.inv(homography), dtype=np.float64)


def lie_inside(points: NDArray[np.float64], size_px: tuple[int, int], margin_px: float = 0.0) -> NDArray[np.bool_]:
    """Say which points (n, 2) lie between the outermost pixel centres of an image, and a margin away from them.

    Args:
        points: pixels; NaN lies nowhere.
        size_px: (width, height) of the image.
        margin_px: from the outermost pixel centres; a point right at the margin is inside.
    """
    highest = np.array(size_px) - 1 - margin_px
    inside: NDArray[np.bool_] = np.all((points >= margin_px) & (points <= highest), axis=1)
    return inside


def warp_image(grey: NDArray[np.uint8], homography: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Show a grey image (H, W) through a homography, at the same size.

    What comes from outside the image repeats its border, so that no edge is seen where the image ends.
    """
    warped = cv2.warpPerspective(
        grey, homography, grey.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return warped.astype(np.uint8, copy=False)


def similarity(size_px: tuple[int, int], degrees: float, scale: float) -> FloatArray:
    """Give the homography that turns about the image's centre, from x towards y, and scales there."""
    return _about_centre(size_px, _turn(math.radians(degrees), scale))


def draw_homography(size_px: tuple[int, int], generator: Generator) -> FloatArray:
    """Draw a homography about the image's centre: turn, size, shift and perspective.

    Args:
        size_px: (width, height) of the images.
        generator: source of randomness.
    """
    angle = math.radians(generator.uniform(-MAX_ROTATION_DEGREES, MAX_ROTATION_DEGREES))
    scale = math.exp(generator.uniform(*np.log(SCALE_RANGE)))
    sides = np.array(size_px)
    shift, bend = np.eye(3), np.eye(3)
    shift[:2, 2] = generator.uniform(-MAX_TRANSLATION, MAX_TRANSLATION, 2) * sides
    # A denominator of 1 + p at the edge of the image.
    bend[2, :2] = generator.uniform(-MAX_PERSPECTIVE, MAX_PERSPECTIVE, 2) / (sides / 2)
    return _about_centre(size_px, shift @ _turn(angle, scale) @ bend)


def _turn(angle: float, scale: float) -> FloatArray:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _about_centre(size_px: tuple[int, int], matrix: FloatArray) -> FloatArray:
    place = np.eye(3)
    place[:2, 2] = (np.array(size_px) - 1) / 2
    return np.asarray(place @ matrix @ inverse(place))
