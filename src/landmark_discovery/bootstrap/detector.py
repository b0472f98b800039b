"""What every detector of bootstrap keypoints offers, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.errors import UserError, nearest_name


@dataclass(frozen=True)
class DetectedKeypoints:
    """Hold the keypoints of one image, the surest first.

    Attributes:
        points: (n, 2) in the pixels of the image.
        scores: (n,), higher is surer; the scale is the detector's own.
        descriptors: (n, D) float32, each of length 1.
    """

    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        """Count the keypoints."""
        return len(self.points)


class BootstrapDetector(Protocol):
    """Find generic keypoints in an image and describe them, knowing nothing of the object.

    Attributes:
        name: the detector's name in the configuration.
        runs_in_threads: whether `detect` may run in several threads at once.
    """

    name: str
    runs_in_threads: bool

    def detect(
        self, image: NDArray[np.uint8], crop_rectangle: NDArray[np.float64], box: NDArray[np.float64]
    ) -> DetectedKeypoints:
        """Detect keypoints.

        Args:
            image: (H, W, 3) RGB.
            crop_rectangle: (x_min, y_min, x_max, y_max) of what the network sees, in image pixels, ends excluded.
            box: the same of the object, before padding.
        """


def inside_box(points: NDArray[np.float64], box: ArrayLike) -> NDArray[np.bool_]:
    """Say which points (n, 2) lie in a box whose ends are truncated to whole pixels, both included."""
    ends = np.trunc(np.asarray(box, dtype=np.float64))
    inside: NDArray[np.bool_] = np.all((points >= ends[:2]) & (points <= ends[2:]), axis=1)
    return inside


Factory = Callable[[BootstrapSettings, Path | None, int, torch.device], BootstrapDetector]


def make_detector(
    settings: BootstrapSettings, weights: Path | None, input_size_px: int, device: torch.device | str
) -> BootstrapDetector:
    """Make the detector that the configuration names.

    Args:
        settings: the configuration of the bootstrap; `detector` names the detector.
        weights: file of its weights, for a detector that has any.
        input_size_px: width and height of the self-trained network's input.
        device: where a detector with a network runs.

    Raises:
        UserError: no such detector, or its weights are missing or wrong.
    """
    factories: dict[str, Factory] = {"superpoint": _make_superpoint, "sift": _make_sift}
    if settings.detector not in factories:
        raise UserError(
            f"unknown detector {settings.detector!r}",
            where="bootstrap.detector",
            remedy=nearest_name(settings.detector, factories),
        )
    return factories[settings.detector](settings, weights, input_size_px, torch.device(device))


# The detectors import this module, so that it can import them only when it is asked for one.
def _make_superpoint(
    settings: BootstrapSettings,
    weights: Path | None,
    input_size_px: int,  # noqa: ARG001
    device: torch.device,
) -> BootstrapDetector:
    from landmark_discovery.bootstrap.superpoint import SuperPointDetector
    from landmark_discovery.bootstrap.weights import load_superpoint

    if weights is None:
        raise UserError(
            "SuperPoint needs its weights' file",
            where="bootstrap.detector",
            remedy="give the path of superpoint_v1.pth, or choose `sift`, which needs none",
        )
    return SuperPointDetector(load_superpoint(weights), settings, device)


def _make_sift(
    settings: BootstrapSettings,
    weights: Path | None,  # noqa: ARG001
    input_size_px: int,
    device: torch.device,  # noqa: ARG001
) -> BootstrapDetector:
    from landmark_discovery.bootstrap.sift import SiftDetector

    return SiftDetector(settings, input_size_px)
