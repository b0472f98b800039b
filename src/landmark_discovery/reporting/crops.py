"""Parts of the images of a store, cut for the eye."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.data.store import ImageStore

BACKGROUND = (232, 232, 232)


def cut_from_store(
    store: ImageStore, indices: ArrayLike, rectangles: NDArray[np.float64], size_px: int
) -> NDArray[np.uint8]:
    """Cut one rectangle out of each image, grey where it leaves what is stored.

    Args:
        store: the data set.
        indices: positions of the images, (N,).
        rectangles: (N, 4) in original pixels, last row and column excluded.
        size_px: width and height of the result.

    Returns:
        (N, size_px, size_px, 3); a point of the original lands where `geometry.image_to_crop` says.
    """
    chosen = np.asarray(indices, dtype=np.int64)
    window = store.rectangle("window")[chosen]
    origin, extent = np.tile(window[:, :2], 2), np.tile(window[:, 2:] - window[:, :2], 2)
    inside = (rectangles - origin) / extent * np.tile(store.stored_size[chosen], 2)
    cut = np.empty((len(chosen), size_px, size_px, 3), dtype=np.uint8)
    for position, (index, rectangle) in enumerate(zip(chosen, inside, strict=True)):
        width, height = store.stored_size[index]
        cut[position] = cut_rectangle(np.asarray(store.images[index, :height, :width]), rectangle, size_px)
    return cut


def cut_rectangle(image: NDArray[np.uint8], rectangle: ArrayLike, size_px: int) -> NDArray[np.uint8]:
    """Resize a rectangle of an image (H, W, 3) to (size_px, size_px, 3), grey outside the image.

    Enlarging interpolates; shrinking averages, so that nothing flickers.
    """
    x_min, y_min, x_max, y_max = np.asarray(rectangle, dtype=np.float64)
    finer = max(1, math.ceil(max(x_max - x_min, y_max - y_min) / size_px - 1e-9))
    size = size_px * finer
    scale_x, scale_y = (x_max - x_min) / size, (y_max - y_min) / size
    source = np.array(
        [[scale_x, 0, x_min + 0.5 * scale_x - 0.5], [0, scale_y, y_min + 0.5 * scale_y - 0.5]], dtype=np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(image, source, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    warped[~_inside(source[1, 1], source[1, 2], size, image.shape[0])] = BACKGROUND
    warped[:, ~_inside(source[0, 0], source[0, 2], size, image.shape[1])] = BACKGROUND
    if finer == 1:
        return np.asarray(warped, dtype=np.uint8)
    return np.asarray(cv2.resize(warped, (size_px, size_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def square_rectangles(rectangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Widen rectangles (N, 4) to the smallest squares about the same centres, so that nothing looks stretched."""
    centre = (rectangles[:, :2] + rectangles[:, 2:]) / 2
    half = (rectangles[:, 2:] - rectangles[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def spread(indices: ArrayLike, count: int) -> NDArray[np.int64]:
    """Take `count` of the indices (N,), evenly spread from the first to the last; all where there are fewer."""
    listed = np.asarray(indices, dtype=np.int64)
    if len(listed) <= count:
        return listed
    return listed[np.rint(np.linspace(0, len(listed) - 1, count)).astype(np.int64)]


def _inside(scale: float, offset: float, size: int, limit: int) -> NDArray[np.bool_]:
    source = np.arange(size) * scale + offset
    # Whole numbers are pixel centres, so an image reaches half a pixel beyond its first and last.
    return (source >= -0.5 - 1e-6) & (source <= limit - 0.5 + 1e-6)
