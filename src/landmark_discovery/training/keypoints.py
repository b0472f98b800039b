"""The keypoints that a round of stage 1 trains on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.views import plain_views

CELL_PX = 4


@dataclass(frozen=True)
class TrainingKeypoints:
    """Hold the keypoints of N images, padded to P.

    Attributes:
        image: position of each image in the store, int64 (N,).
        points: in store pixels, (N, P, 2); NaN: none.
        ids: what a keypoint has in common with others, (N, P); below 0: none.
        flipped_ids: the ids in the mirrored image, (N, P); None in warm-up, where an id is the keypoint's number and
            ties a keypoint to itself alone.
    """

    image: Tensor
    points: Tensor
    ids: Tensor
    flipped_ids: Tensor | None

    @property
    def clustered(self) -> bool:
        """Say whether ids tie different images together."""
        return self.flipped_ids is not None


def warmup_keypoints(image: NDArray[np.int64], points: NDArray[np.float64], device: torch.device) -> TrainingKeypoints:
    """Take bootstrap keypoints (N, P, 2) in store pixels; each is its own id."""
    ids = np.where(np.isnan(points[..., 0]), -1, np.arange(points.shape[1]))
    return TrainingKeypoints(_to(image, device), _to(points.astype(np.float32), device), _to(ids, device), None)


def clustered_keypoints(
    rows: NDArray[np.int64],
    grid_points: NDArray[np.float32],
    ids: NDArray[np.int64],
    flipped_ids: NDArray[np.int64],
    indices: NDArray[np.int64],
    images: StoredImages,
    size_px: int,
) -> TrainingKeypoints:
    """Pad detections to a table, one row an image that has any.

    Args:
        rows: which of `indices` each detection belongs to, in ascending order, (n,).
        grid_points: (n, 2).
        ids: cluster of each detection, (n,).
        flipped_ids: cluster of its mirrored twin, (n,).
        indices: position in the store of each image that was searched.
        images: the stored images, for their crops.
        size_px: width and height of the network's input.
    """
    present, row, counts = np.unique(rows, return_inverse=True, return_counts=True)
    column = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (len(present), int(counts.max()))
    points = np.full((*shape, 2), np.nan, dtype=np.float32)
    points[row, column] = grid_points
    table, flipped_table = np.full(shape, -1), np.full(shape, -1)
    table[row, column], flipped_table[row, column] = ids, flipped_ids
    image = _to(indices[present], images.device)
    stored = plain_views(images.crops[image], size_px).to_store(from_grid(_to(points, images.device)))
    return TrainingKeypoints(image, stored, _to(table, images.device), _to(flipped_table, images.device))


def keypoint_tensors(keypoints: TrainingKeypoints) -> dict[str, Tensor]:
    """Give the keypoints as tensors by names such as "keypoints.ids"."""
    return {f"keypoints.{name}": value for name, value in vars(keypoints).items() if value is not None}


def restored_keypoints(tensors: Mapping[str, Tensor], device: torch.device) -> TrainingKeypoints:
    """Take over what `keypoint_tensors` gave, among other tensors."""
    names = [field.name for field in fields(TrainingKeypoints)]
    found = {name: tensors[f"keypoints.{name}"].to(device) for name in names if f"keypoints.{name}" in tensors}
    return TrainingKeypoints(**{"flipped_ids": None, **found})  # type: ignore[arg-type]


def to_grid(points_px: Tensor) -> Tensor:
    """Map points from the network's input to its maps, four times smaller."""
    return (points_px + 0.5) / CELL_PX - 0.5


def from_grid(points: Tensor) -> Tensor:
    """Map points from the network's maps to its input."""
    return (points + 0.5) * CELL_PX - 0.5


def _to(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
