"""What detectors with SuperPoint's network share: its maps of a grey image, and what is read off them."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.geometry import resize_points
from landmark_discovery.models.superpoint import CELL_PX, DESCRIPTOR_DIM, SuperPoint, score_map


@torch.inference_mode()
def apply_network(
    network: SuperPoint, grey: NDArray[np.uint8], device: torch.device | str
) -> tuple[NDArray[np.float32], Tensor]:
    """Apply the network to a grey image, on its device.

    A height or width that is no multiple of 8 loses its remainder in the network's pooling: the last H mod 8 rows and
    W mod 8 columns are scored by nothing and can hold no keypoint.

    Args:
        network: on the device, in eval mode.
        grey: (H, W), 0..255, each at least 8.
        device: where the network is.

    Returns:
        The probability of a keypoint at every pixel (8 * (H // 8), 8 * (W // 8)), and the descriptors of the cells
        (D, H // 8, W // 8), on the CPU.
    """
    # A new thread learns PyTorch's number of threads by asking; a convolution, which doesn't ask, takes every core.
    torch.get_num_threads()
    unit = grey.astype(np.float32) / np.float32(255)
    logits, descriptors = network(torch.from_numpy(unit)[None, None].to(device))
    return score_map(logits)[0].cpu().numpy(), descriptors[0].cpu()


def too_small(grey: NDArray[np.uint8]) -> bool:
    """Tell whether an image has no whole cell, which the network can't be applied to."""
    return bool(min(grey.shape) < CELL_PX)


def no_keypoints() -> DetectedKeypoints:
    """Give what is found in an image that is too small."""
    return DetectedKeypoints(np.zeros((0, 2)), np.zeros(0), np.zeros((0, DESCRIPTOR_DIM), np.float32))


def find_maxima(
    network: SuperPoint, grey: NDArray[np.uint8], threshold: float, device: torch.device | str
) -> tuple[NDArray[np.float64], NDArray[np.float64], Tensor]:
    """Find the local maxima of the network's score map that lie over a threshold; none in an image that is too small.

    Args:
        network: on the device, in eval mode.
        grey: (H, W), 0..255.
        threshold: 0..1.
        device: where the network is.

    Returns:
        Points (n, 2) in pixels, row by row, their scores (n,), and the map to sample their descriptors from.
    """
    if too_small(grey):
        return np.zeros((0, 2)), np.zeros(0), torch.zeros(DESCRIPTOR_DIM, 1, 1)
    score, descriptor_map = apply_network(network, grey, device)
    return *points_over_threshold(local_maxima(score), threshold), descriptor_map


def local_maxima(score: NDArray[np.float32]) -> NDArray[np.float32]:
    """Set to 0 what one of its 8 neighbours exceeds in a score map (H, W); of equal neighbours all stay.

    Over a low threshold lie whole hills of pixels. Their slopes are no keypoints of their own, and leaving them out
    keeps the choice of points that lie apart short.
    """
    highest = cv2.dilate(score, np.ones((3, 3), np.uint8))
    return np.where(score == highest, score, np.float32(0))


def points_over_threshold(
    score: NDArray[np.float32], threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """List the pixels of a score map (H, W) above a threshold, row by row: points (n, 2) and scores (n,)."""
    rows, columns = np.nonzero(score > threshold)
    return np.stack([columns, rows], axis=1).astype(np.float64), score[rows, columns].astype(np.float64)


def sample_descriptors(descriptor_map: Tensor, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sample a coarse map bilinearly at points and normalise the result.

    The cell in column c covers the pixels 8c .. 8c + 7, so that its centre is x = 8c + 3.5. The authors' formula,
    x / (W/2) - 1 without aligned corners, places it at 8c + 4, half a pixel off, and is not used. Points beyond the
    outermost centres take the descriptor of the nearest cells.

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
