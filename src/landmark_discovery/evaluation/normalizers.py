"""The length that an image's errors are divided by (method, sections 6 and 9)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.protocol_fit import VALID_NORMALIZERS, normalizer_pair
from landmark_discovery.errors import UserError
from landmark_discovery.geometry import FloatArray


def normalizers(name: str, points: NDArray[np.floating], boxes: NDArray[np.floating] | None = None) -> FloatArray:
    """Measure the normaliser of every image.

    Args:
        name: `i-j`, the distance of true points i and j; `box`, sqrt(width * height) of the sample's box;
            `landmark-box`, the same of the smallest box round the image's true points.
        points: true points (N, L, 2); NaN: the image lacks that point.
        boxes: (N, 4) as x_min, y_min, x_max, y_max, in the same pixels; NaN: no box. Only `box` needs them.

    Returns:
        (N,), pixels; NaN where it is zero or unknown: such an image has no NME and must be left out.

    Raises:
        UserError: unknown name, a point that isn't there, no boxes, or no image has a normaliser.
    """
    if name == "box":
        lengths = _box_lengths(boxes)
    elif name == "landmark-box":
        lengths = _landmark_box_lengths(np.asarray(points, dtype=np.float64))
    else:
        lengths = _pair_distances(np.asarray(points, dtype=np.float64), *normalizer_pair(name, points.shape[1]))
    usable = np.isfinite(lengths) & (lengths > 0)
    if not usable.any():
        raise UserError(
            f"normaliser {name!r} is zero or unknown in all {len(lengths)} test images",
            remedy=f"choose another; {VALID_NORMALIZERS}",
        )
    return np.where(usable, lengths, np.nan)


def describe_normalizer(name: str) -> str:
    """Say in words what errors are divided by, for example for the axis of a curve."""
    if name == "box":
        return "sqrt(width * height) of the sample's box"
    if name == "landmark-box":
        return "sqrt(width * height) of the true points' box"
    first, second = name.split("-")
    return f"the distance of true points {first} and {second} (counted from 0)"


def _pair_distances(points: FloatArray, first: int, second: int) -> FloatArray:
    return np.asarray(np.linalg.norm(points[:, first] - points[:, second], axis=-1))


def _box_lengths(boxes: NDArray[np.floating] | None) -> FloatArray:
    if boxes is None:
        raise UserError(
            "normaliser 'box' needs the samples' boxes, and there are none",
            remedy="give samples with x_min, y_min, x_max, y_max, or choose landmark-box",
        )
    extent = np.asarray(boxes[:, 2:] - boxes[:, :2], dtype=np.float64)
    return np.asarray(np.sqrt(np.prod(np.maximum(extent, 0), axis=1)))


def _landmark_box_lengths(points: FloatArray) -> FloatArray:
    present = np.isfinite(points)
    low = np.where(present, points, np.inf).min(axis=1)
    high = np.where(present, points, -np.inf).max(axis=1)
    # An image without points gives low > high, hence 0: no normaliser.
    return np.asarray(np.sqrt(np.prod(np.maximum(high - low, 0), axis=1)))
