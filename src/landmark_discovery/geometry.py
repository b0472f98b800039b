"""Pixel convention, crops and the maps between image, crop and grid.

The convention, stated here once: points are (x, y), and whole numbers are pixel centres, so that an image W pixels
wide spans -0.5 to W - 0.5. Resizing a span of a pixels to b pixels takes x to (x + 0.5) * b / a - 0.5, and mirroring
takes x to W - 1 - x. A rectangle (x_min, y_min, x_max, y_max) of whole numbers holds the pixels x_min .. x_max - 1.

All functions are pure and work on the last axis, whatever stands before it; NaN (no such point) stays NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def resize_points(points: ArrayLike, size_from: ArrayLike, size_to: ArrayLike) -> FloatArray:
    """Map points (..., 2) from an image of one size to the same image at another size.

    Args:
        points: pixels of the image at `size_from`.
        size_from: one number, or (width, height).
        size_to: one number, or (width, height).
    """
    ratio = np.asarray(size_to, dtype=np.float64) / np.asarray(size_from, dtype=np.float64)
    return (np.asarray(points, dtype=np.float64) + 0.5) * ratio - 0.5


def image_to_crop(points: ArrayLike, rectangle: ArrayLike, size: ArrayLike) -> FloatArray:
    """Map points (..., 2) in image pixels to the pixels of a rectangle resized to `size`.

    Args:
        points: image pixels; (N, K, 2) with rectangles (N, 4), or (K, 2) with one rectangle (4,).
        rectangle: (x_min, y_min, x_max, y_max) in image pixels, last row and column excluded.
        size: width and height of the resized crop, in pixels.
    """
    origin, extent = _origin_and_extent(rectangle)
    return resize_points(np.asarray(points, dtype=np.float64) - origin, extent, size)


def crop_to_image(points: ArrayLike, rectangle: ArrayLike, size: ArrayLike) -> FloatArray:
    """Undo `image_to_crop`: map points (..., 2) of the resized crop back to image pixels."""
    origin, extent = _origin_and_extent(rectangle)
    return resize_points(points, size, extent) + origin


def mirror_points(points: ArrayLike, width_px: float) -> FloatArray:
    """Mirror points (..., 2) left to right in an image `width_px` wide."""
    mirrored = np.array(points, dtype=np.float64)
    mirrored[..., 0] = width_px - 1 - mirrored[..., 0]
    return mirrored


def paper_padding_px(box: ArrayLike) -> NDArray[np.int64]:
    """Pad a box (..., 4) as the method does; the 1.2 and the 2 are its authors' own (method, section 1)."""
    x_min, y_min, x_max, y_max = np.moveaxis(np.asarray(box, dtype=np.float64), -1, 0)
    extent = 0.25 * ((1.2 * x_max - x_min) + (2 * y_max - y_min))
    return np.where(extent < 20, 8, (8 * extent / 100).astype(np.int64)).astype(np.int64)


def crop_rectangle(box: ArrayLike, image_size: ArrayLike, padding_px: ArrayLike) -> NDArray[np.int64]:
    """Pad boxes (..., 4) and clip them to their images.

    Args:
        box: (x_min, y_min, x_max, y_max) in image pixels.
        image_size: (width, height) of the image, in pixels.
        padding_px: pixels added on each side.

    Returns:
        Rectangles (..., 4) of whole numbers, last row and column excluded (method, section 1).
    """
    corners = np.asarray(box, dtype=np.float64)
    padding = np.asarray(padding_px, dtype=np.float64)[..., None]
    limit = np.asarray(image_size, dtype=np.float64) - 1
    low = np.maximum(corners[..., :2] - padding, 0)
    high = np.minimum(corners[..., 2:] + padding, limit)
    return np.concatenate([low, high], axis=-1).astype(np.int64)


def margin_padding_px(box: ArrayLike, margin: float) -> FloatArray:
    """Pad a box (..., 4) by a share of its longer side."""
    corners = np.asarray(box, dtype=np.float64)
    return np.asarray(margin * (corners[..., 2:] - corners[..., :2]).max(axis=-1), dtype=np.float64)


def widen_rectangle(rectangle: ArrayLike, image_size: ArrayLike, share: float) -> NDArray[np.int64]:
    """Widen rectangles (..., 4) on each side by a share of their own width and height, and clip them to their images.

    Args:
        rectangle: (x_min, y_min, x_max, y_max) in image pixels, last row and column excluded.
        image_size: (width, height) of the image, in pixels.
        share: 0.5 doubles width and height.

    Returns:
        Rectangles (..., 4) of whole numbers, rounded outwards.
    """
    corners = np.asarray(rectangle, dtype=np.float64)
    added = share * (corners[..., 2:] - corners[..., :2])
    low = np.maximum(np.floor(corners[..., :2] - added), 0)
    high = np.minimum(np.ceil(corners[..., 2:] + added), np.asarray(image_size, dtype=np.float64))
    return np.concatenate([low, high], axis=-1).astype(np.int64)


def shrunk_size(window: ArrayLike, crop: ArrayLike, max_crop_px: int | None) -> NDArray[np.int64]:
    """Give the size (..., 2) at which a window is stored, so that the crop inside it has at most `max_crop_px`.

    Args:
        window: rectangles (..., 4) of whole image pixels.
        crop: rectangles (..., 4) within the windows.
        max_crop_px: limit of the crop's longer side; None: the window's own size.

    Returns:
        (width, height) in pixels: the window's own where its crop is small enough, never larger, at least 1.
    """
    outer, inner = np.asarray(window, dtype=np.int64), np.asarray(crop, dtype=np.int64)
    if max_crop_px is None:
        return np.asarray(outer[..., 2:] - outer[..., :2], dtype=np.int64)
    longer_side = np.maximum((inner[..., 2:] - inner[..., :2]).max(axis=-1), max_crop_px)
    # Whole numbers throughout, rounded down: no rounding error can exceed the limit.
    size = (outer[..., 2:] - outer[..., :2]) * max_crop_px // longer_side[..., None]
    return np.asarray(np.maximum(size, 1), dtype=np.int64)


def area_inside(box: ArrayLike, image_size: ArrayLike) -> FloatArray:
    """Give the share (...,) of each box (..., 4) that lies inside its image of (width, height) pixels."""
    corners = np.asarray(box, dtype=np.float64)
    size = np.asarray(image_size, dtype=np.float64)
    extent = corners[..., 2:] - corners[..., :2]
    inside = np.clip(corners[..., 2:], 0, size) - np.clip(corners[..., :2], 0, size)
    return np.asarray((inside / extent).prod(axis=-1), dtype=np.float64)


def _origin_and_extent(rectangle: ArrayLike) -> tuple[FloatArray, FloatArray]:
    corners = np.asarray(rectangle, dtype=np.float64)
    if corners.ndim == 2:
        corners = corners[:, None, :]
    return corners[..., :2], corners[..., 2:] - corners[..., :2]
