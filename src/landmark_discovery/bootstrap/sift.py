"""Bootstrap keypoints from OpenCV's SIFT, which needs no weights."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap.crops import choose_keypoints, cut_crop
from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.config.data import BootstrapSettings

DESCRIPTOR_DIM = 128


class SiftDetector:
    """Detect with SIFT in the crop, as large as the self-trained network sees it.

    Of the keypoints inside the box, the strongest that keep a distance from stronger ones stay.
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
        in_image, chosen = choose_keypoints(points, scores, crop_rectangle, box, self._settings, self._input_size_px)
        return DetectedKeypoints(in_image, scores[chosen], root_sift(descriptors[chosen]))


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


def root_sift(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the square root of descriptors (n, 128) that sum to 1 (Arandjelovic and Zisserman, CVPR 2012).

    The results have length 1, and their Euclidean distance is the Hellinger distance of the histograms.
    """
    total = np.maximum(np.sum(descriptors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    root: NDArray[np.float32] = np.sqrt(descriptors / total)
    return root
