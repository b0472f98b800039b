"""What every detector of bootstrap keypoints offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
