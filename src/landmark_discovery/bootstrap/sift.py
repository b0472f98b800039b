"""Bootstrap keypoints from OpenCV's SIFT, which needs no weights."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap.detector import DetectedKeypoints, inside_box
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.geometry import crop_to_image

DESCRIPTOR_DIM = 128


class SiftDetector:
    """Detect with SIFT in the crop, as large as the self-trained network sees it.

    Of the keypoints inside the box, the strongest that keep a distance from stronger ones stay; without that distance
    nearly all of them would crowd on the most textured parts (method, section 9).
    """

    name = "sift"
    runs_in_threads = True

    def __init__(self, settings: BootstrapSettings, input_size_px: int) -> None:
        self._settings = settings
        self._input_size_px = input_size_px

    def detect(
        self,
        image: NDArray[np.uint8],
        crop_rectangle: NDArray[np.float64],
        box: NDArray[np.float64],
    ) -> DetectedKeypoints:
        """Detect keypoints inside the box; see `BootstrapDetector`."""
        crop = cut_crop(image, crop_rectangle, self._input_size_px)
        points, scores, descriptors = detect_sift(crop, self._settings.sift_contrast_threshold)
        in_image = crop_to_image(points, crop_rectangle, self._input_size_px)
        inside = np.flatnonzero(inside_box(in_image, box))
        min_distance_px = self._settings.sift_min_distance * self._input_size_px
        chosen = spread_points(points[inside], scores[inside], min_distance_px, self._settings.sift_max_keypoints)
        kept = inside[chosen]
        return DetectedKeypoints(in_image[kept], scores[kept], root_sift(descriptors[kept]))


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


def detect_sift(
    grey: NDArray[np.uint8], contrast_threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Detect SIFT keypoints in a grey image.

    A keypoint with several orientations stands there once for each. OpenCV counts whole numbers as pixel centres, as
    we do, but finds every point a quarter of a pixel too far right and down unless its upscaling is the precise one.

    Returns:
        Points (n, 2) in pixels, responses (n,) and raw descriptors (n, 128), by response, then place and angle.
    """
    # Made afresh: a detector of OpenCV keeps state, so that threads must not share one.
    sift = cv2.SIFT.create(contrastThreshold=contrast_threshold, enable_precise_upscale=True)
    keypoints, descriptors = sift.detectAndCompute(grey, None)
    if not keypoints:
        return np.zeros((0, 2)), np.zeros(0), np.zeros((0, DESCRIPTOR_DIM), np.float32)
    table = np.array([(*keypoint.pt, keypoint.response, keypoint.angle) for keypoint in keypoints], dtype=np.float64)
    x, y, response, angle = table.T
    order = np.lexsort((angle, x, y, -response))
    return table[order, :2], response[order], np.asarray(descriptors, dtype=np.float32)[order]


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


def root_sift(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the square root of descriptors (n, 128) that sum to 1 (Arandjelovic and Zisserman, CVPR 2012).

    The results have length 1, and their Euclidean distance is the Hellinger distance of the histograms.
    """
    total = np.maximum(np.sum(descriptors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    root: NDArray[np.float32] = np.sqrt(descriptors / total)
    return root
