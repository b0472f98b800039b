"""Bootstrap keypoints from SuperPoint with its original weights (method, section 2)."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.bootstrap.detector import DetectedKeypoints, inside_box
from landmark_discovery.bootstrap.superpoint_maps import (
    apply_network,
    no_keypoints,
    points_over_threshold,
    sample_descriptors,
    too_small,
)
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.heatmaps.suppression import suppress_squares
from landmark_discovery.models.superpoint import SuperPoint

# Height of the images for which `superpoint_nms_px` is stated: CelebA's.
REFERENCE_HEIGHT_PX = 218
IOU_LIMIT = 0.01


class SuperPointDetector:
    """Detect with SuperPoint on the grey image as it is stored, neither cropped nor resized.

    An image under 8 pixels wide or high has no keypoint; see `apply_network` for sizes that are no multiple of 8.
    """

    name = "superpoint"

    def __init__(self, network: SuperPoint, settings: BootstrapSettings, device: torch.device | str = "cpu") -> None:
        self._network = network.to(device).eval()
        self._settings = settings
        self._device = device
        # Of a CPU each thread takes an image of its own; a GPU is driven by one.
        self.runs_in_threads = torch.device(device).type == "cpu"

    def detect(
        self,
        image: NDArray[np.uint8],
        crop_rectangle: NDArray[np.float64],  # noqa: ARG002
        box: NDArray[np.float64],
    ) -> DetectedKeypoints:
        """Detect keypoints inside the box; see `BootstrapDetector`."""
        grey = grey_image(image, swap_red_blue=self._settings.superpoint_swap_red_blue)
        if too_small(grey):
            return no_keypoints()
        score, descriptor_map = apply_network(self._network, grey, self._device)
        points, scores = points_over_threshold(score, self._settings.superpoint_threshold)
        half_side_px = suppression_half_side_px(len(grey), self._settings.superpoint_nms_px)
        kept = suppress_squares(points, scores, half_side_px, IOU_LIMIT)
        kept = kept[inside_box(points[kept], box)]
        return DetectedKeypoints(points[kept], scores[kept], sample_descriptors(descriptor_map, points[kept]))


def grey_image(image: NDArray[np.uint8], *, swap_red_blue: bool) -> NDArray[np.uint8]:
    """Turn RGB (H, W, 3) to grey (H, W).

    Args:
        image: RGB, 0..255.
        swap_red_blue: weigh red as blue and blue as red, as the authors' code does by taking RGB for BGR.
    """
    conversion = cv2.COLOR_BGR2GRAY if swap_red_blue else cv2.COLOR_RGB2GRAY
    return cv2.cvtColor(image, conversion).astype(np.uint8, copy=False)


def suppression_half_side_px(height_px: int, nms_px: int) -> int:
    """Scale the suppression squares with the image, down to a half side of 1 (method, section 2)."""
    side_px = int(height_px / REFERENCE_HEIGHT_PX * nms_px)
    return max(1, math.ceil(side_px / 2))
