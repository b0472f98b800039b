"""Keypoints found in the crop, as large as the self-trained network sees it: cutting it, and which points stay."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap.detector import inside_box
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.geometry import crop_to_image


def cut_crop(image: NDArray[np.uint8], rectangle: NDArray[np.float64], size_px: int) -> NDArray[np.uint8]:
    """Cut a rectangle, whose ends may lie between pixels, out of RGB (H, W, 3) as grey (size, size)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    origin, extent = rectangle[:2], rectangle[2:] - rectangle[:2]
    scale = extent / size_px
    # Pixel centres: x of the crop lies at (x + 0.5) * scale - 0.5 + origin in the image.
    shift = 0.5 * scale - 0.5 + origin
    crop_to_pixels = np.array([[scale[0], 0.0, shift[0]], [0.0, scale[1], shift[1]]])
    crop = cv2.warpAffine(
        grey,
        crop_to_pixels,
        (size_px, size_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return crop.astype(np.uint8, copy=False)


def choose_keypoints(
    points: NDArray[np.float64],
    scores: NDArray[np.float64],
    crop_rectangle: NDArray[np.float64],
    box: NDArray[np.float64],
    settings: BootstrapSettings,
    size_px: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Choose, of the points of a crop inside the object's box, the strongest that keep a distance from stronger ones.

    Without that distance nearly all of them would crowd on the most textured parts (method, section 9).

    Args:
        points: (n, 2) in the pixels of the crop.
        scores: (n,).
        crop_rectangle: of the crop, in image pixels; see `BootstrapDetector`.
        box: of the object, likewise.
        settings: max_keypoints and min_distance.
        size_px: width and height of the crop.

    Returns:
        The points chosen, (k, 2) in image pixels, and their indices (k,); the highest score first.
    """
    in_image = crop_to_image(points, crop_rectangle, size_px)
    inside = np.flatnonzero(inside_box(in_image, box))
    spread = spread_points(points[inside], scores[inside], settings.min_distance * size_px, settings.max_keypoints)
    chosen = inside[spread]
    return in_image[chosen], chosen


def spread_points(
    points: NDArray[np.float64], scores: NDArray[np.float64], min_distance_px: float, max_points: int
) -> NDArray[np.int64]:
    """Choose the strongest points that are no nearer than a distance to a stronger one chosen.

    Args:
        points: (n, 2).
        scores: (n,); of equal ones the first goes first.
        min_distance_px: least distance, in the unit of the points.
        max_points: at most so many are chosen.

    Returns:
        Their indices, highest score first.
    """
    chosen: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if len(chosen) == max_points:
            break
        distances = np.linalg.norm(points[chosen] - points[index], axis=1)
        if np.all(distances >= min_distance_px):
            chosen.append(int(index))
    return np.array(chosen, dtype=np.int64)
