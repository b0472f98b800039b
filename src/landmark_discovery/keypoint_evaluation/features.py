"""Detectors of keypoints behind one face, held to the same budget: strongest first, apart, away from the border."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.bootstrap.crops import spread_points
from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.bootstrap.sift import detect_sift, root_sift
from landmark_discovery.bootstrap.superpoint_maps import find_maxima, sample_descriptors
from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.keypoint_evaluation.homographies import lie_inside
from landmark_discovery.models.superpoint import SuperPoint


class FeatureExtractor(Protocol):
    """Find keypoints in a grey image and describe them."""

    def extract(self, grey: NDArray[np.uint8]) -> DetectedKeypoints:
        """Detect and describe keypoints of a grey image (H, W), in its pixels, the surest first."""


class SiftFeatures:
    """Detect with OpenCV's SIFT, described by RootSIFT."""

    def __init__(self, settings: KeypointEvaluationSettings) -> None:
        self._settings = settings

    def extract(self, grey: NDArray[np.uint8]) -> DetectedKeypoints:
        """Detect keypoints; see `FeatureExtractor`."""
        points, scores, descriptors = detect_sift(grey, self._settings.sift_contrast_threshold)
        kept = within_budget(points, scores, grey.shape, self._settings)
        return DetectedKeypoints(points[kept], scores[kept], root_sift(descriptors[kept]))


class SuperPointFeatures:
    """Detect with a SuperPoint network, whoever trained it, at the local maxima of its score map."""

    def __init__(
        self, network: SuperPoint, settings: KeypointEvaluationSettings, device: torch.device | str = "cpu"
    ) -> None:
        self._network = network.to(device).eval()
        self._settings = settings
        self._device = device

    def extract(self, grey: NDArray[np.uint8]) -> DetectedKeypoints:
        """Detect keypoints; see `FeatureExtractor`."""
        threshold = self._settings.superpoint_threshold
        points, scores, descriptor_map = find_maxima(self._network, grey, threshold, self._device)
        kept = within_budget(points, scores, grey.shape, self._settings)
        return DetectedKeypoints(points[kept], scores[kept], sample_descriptors(descriptor_map, points[kept]))


def within_budget(
    points: NDArray[np.float64],
    scores: NDArray[np.float64],
    shape: tuple[int, ...],
    settings: KeypointEvaluationSettings,
) -> NDArray[np.int64]:
    """Choose what every detector may keep: the strongest keypoints apart from one another and away from the border.

    Args:
        points: (n, 2) in pixels.
        scores: (n,), higher is surer.
        shape: (H, W) of the image.
        settings: max_keypoints, min_distance_px and border_px.

    Returns:
        Their indices, highest score first.
    """
    inside = np.flatnonzero(lie_inside(points, (shape[1], shape[0]), settings.border_px))
    chosen = spread_points(points[inside], scores[inside], settings.min_distance_px, settings.max_keypoints)
    return inside[chosen]
