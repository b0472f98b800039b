"""Bootstrap keypoints from SuperPoint with its original weights (method, section 2)."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from landmark_discovery.bootstrap.detector import DetectedKeypoints, inside_box
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.geometry import resize_points
from landmark_discovery.heatmaps.suppression import suppress_squares
from landmark_discovery.models.superpoint import CELL_PX, DESCRIPTOR_DIM, SuperPoint, score_map

# Height of the images for which `superpoint_nms_px` is stated: CelebA's.
REFERENCE_HEIGHT_PX = 218
IOU_LIMIT = 0.01


class SuperPointDetector:
    """Detect with SuperPoint on the grey image as it is stored, neither cropped nor resized.

    A height or width that is no multiple of 8 loses its remainder in the network's pooling: the last H mod 8 rows and
    W mod 8 columns can hold no keypoint. An image under 8 pixels wide or high has none at all.
    """

    name = "superpoint"
    # One forward pass already uses every core, or the GPU.
    runs_in_threads = False

    def __init__(self, network: SuperPoint, settings: BootstrapSettings, device: torch.device | str = "cpu") -> None:
        self._network = network.to(device).eval()
        self._settings = settings
        self._device = device

    def detect(
        self,
        image: NDArray[np.uint8],
        crop_rectangle: NDArray[np.float64],  # noqa: ARG002
        box: NDArray[np.float64],
    ) -> DetectedKeypoints:
        """Detect keypoints inside the box; see `BootstrapDetector`."""
        height, width = image.shape[:2]
        if min(height, width) < CELL_PX:
            nowhere = np.zeros((0, 2))
            return DetectedKeypoints(nowhere, nowhere[:, 0], np.zeros((0, DESCRIPTOR_DIM), np.float32))
        score, descriptor_map = self._apply_network(image)
        points, scores = points_over_threshold(score, self._settings.superpoint_threshold)
        half_side_px = suppression_half_side_px(height, self._settings.superpoint_nms_px)
        kept = suppress_squares(points, scores, half_side_px, IOU_LIMIT)
        kept = kept[inside_box(points[kept], box)]
        return DetectedKeypoints(points[kept], scores[kept], sample_descriptors(descriptor_map, points[kept]))

    @torch.inference_mode()
    def _apply_network(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Tensor]:
        grey = grey_image(image, swap_red_blue=self._settings.superpoint_swap_red_blue)
        logits, descriptors = self._network(torch.from_numpy(grey)[None, None].to(self._device))
        return score_map(logits)[0].cpu().numpy(), descriptors[0].cpu()


def grey_image(image: NDArray[np.uint8], *, swap_red_blue: bool) -> NDArray[np.float32]:
    """Turn RGB (H, W, 3) to grey (H, W) in [0, 1].

    Args:
        image: RGB, 0..255.
        swap_red_blue: weigh red as blue and blue as red, as the authors' code does by taking RGB for BGR.
    """
    conversion = cv2.COLOR_BGR2GRAY if swap_red_blue else cv2.COLOR_RGB2GRAY
    return cv2.cvtColor(image, conversion).astype(np.float32) / np.float32(255)


def points_over_threshold(
    score: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """List the pixels of a score map (H, W) above a threshold, row by row: points (n, 2) and scores (n,)."""
    rows, columns = np.nonzero(score > threshold)
    return np.stack([columns, rows], axis=1).astype(np.float64), score[rows, columns].astype(np.float64)


def suppression_half_side_px(height_px: int, nms_px: int) -> int:
    """Scale the suppression squares with the image, down to a half side of 1 (method, section 2)."""
    side_px = int(height_px / REFERENCE_HEIGHT_PX * nms_px)
    return max(1, math.ceil(side_px / 2))


def sample_descriptors(descriptor_map: Tensor, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sample a coarse map bilinearly at points and normalise the result.

    The cell in column c covers the pixels 8c .. 8c + 7, so that its centre is x = 8c + 3.5. The authors' formula,
    x / (W/2) - 1 without aligned corners, places it at 8c + 4: half a pixel off. That formula is used only where
    their own files are read. Points beyond the outermost centres take the descriptor of the nearest cells.

    Args:
        descriptor_map: (D, h, w).
        points: (n, 2) in image pixels.

    Returns:
        Descriptors (n, D) of length 1.
    """
    height, width = descriptor_map.shape[-2:]
    cells = resize_points(points, CELL_PX, 1)
    # grid_sample counts the map from edge to edge as -1 .. 1.
    relative = (cells + 0.5) * 2 / np.array([width, height]) - 1
    grid = torch.from_numpy(relative).to(descriptor_map.dtype)[None, None]
    sampled = functional.grid_sample(
        descriptor_map[None], grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    descriptors: NDArray[np.float32] = functional.normalize(sampled[0, :, 0].T, dim=1).numpy()
    return descriptors
