"""Bootstrap keypoints from SuperPoint's network with the weights that come with this package."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.bootstrap.crops import choose_keypoints, cut_crop
from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.bootstrap.superpoint_maps import find_maxima, sample_descriptors
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.models.superpoint import SuperPoint


class SuperPointOpenDetector:
    """Detect with SuperPoint in the crop, as large as the self-trained network sees it.

    Of the local maxima inside the box, the strongest that keep a distance from stronger ones stay.
    """

    name = "superpoint-open"

    def __init__(
        self,
        network: SuperPoint,
        settings: BootstrapSettings,
        input_size_px: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self._network = network.to(device).eval()
        self._settings = settings
        self._input_size_px = input_size_px
        self._device = device
        # Of a CPU each thread takes an image of its own; a GPU is driven by one.
        self.runs_in_threads = torch.device(device).type == "cpu"

    def detect(
        self,
        image: NDArray[np.uint8],
        crop_rectangle: NDArray[np.float64],
        box: NDArray[np.float64],
    ) -> DetectedKeypoints:
        """Detect keypoints inside the box; see `BootstrapDetector`."""
        crop = cut_crop(image, crop_rectangle, self._input_size_px)
        threshold = self._settings.superpoint_open_threshold
        points, scores, descriptor_map = find_maxima(self._network, crop, threshold, self._device)
        in_image, chosen = choose_keypoints(points, scores, crop_rectangle, box, self._settings, self._input_size_px)
        return DetectedKeypoints(in_image, scores[chosen], sample_descriptors(descriptor_map, points[chosen]))
