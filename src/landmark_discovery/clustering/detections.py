"""Detections of a trained detector on many images, each with its descriptor and that of its mirrored twin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from landmark_discovery.config.training import DetectionSettings
from landmark_discovery.geometry import mirror_points
from landmark_discovery.heatmaps.conventions import PIXEL_CENTRES, PixelConvention
from landmark_discovery.heatmaps.descriptors import sample_descriptors
from landmark_discovery.heatmaps.peaks import refine_quarter_cell, suppress_neighbours
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import CELL_PX
from landmark_discovery.training.processes import Processes
from landmark_discovery.training.runtime import autocast
from landmark_discovery.training.views import plain_views
from landmark_discovery.training.workers import ALONE

Rows = NDArray[np.int64] | slice
EVERY_ROW = slice(None)
# Images that the network sees at once: a GPU needs many to be busy while the host reads what it found; on a CPU each
# worker has so many.
GPU_BATCH, CPU_BATCH = 128, 16
# Arrays of unknown length grow by one part in so many.
GROWTH = 4


@dataclass(frozen=True)
class Detections:
    """Hold n detections of many images, in the order of the images, the highest score of an image first.

    Attributes:
        image: position of the image among those that were searched, int64 (n,).
        point: on the grid, float32 (n, 2).
        score: float32 (n,).
        descriptor: of length 1, float16 (n, D).
        flipped_descriptor: of the same point in the mirrored image, its twin, float16 (n, D); (n, 0): not looked for.
        num_images: images that were searched.
        grid_size: cells along a side of the maps.
    """

    image: NDArray[np.int64]
    point: NDArray[np.float32]
    score: NDArray[np.float32]
    descriptor: NDArray[np.floating]
    flipped_descriptor: NDArray[np.floating]
    num_images: int
    grid_size: int

    def __len__(self) -> int:
        """Count the detections."""
        return len(self.image)

    @property
    def has_twins(self) -> bool:
        """Say whether the mirrored images were searched too."""
        return bool(self.flipped_descriptor.shape[1])

    def select(self, mask: NDArray[np.bool_]) -> Detections:
        """Keep the detections where `mask` (n,) is True; where it always is, nothing is copied."""
        if mask.all():
            return self
        return Detections(
            self.image[mask],
            self.point[mask],
            self.score[mask],
            self.descriptor[mask],
            self.flipped_descriptor[mask],
            self.num_images,
            self.grid_size,
        )

    def features(self, position_weight: float, rows: Rows = EVERY_ROW) -> NDArray[np.float32]:
        """Give what is clustered: the descriptor, and with a weight the place in the crop, (m, D) or (m, D + 2).

        Args:
            position_weight: distance that a move across the whole crop adds between two features.
            rows: which detections, (m,).
        """
        return _with_position(self.descriptor[rows], self.point[rows], position_weight / self.grid_size)

    def flipped_features(self, position_weight: float, rows: Rows = EVERY_ROW) -> NDArray[np.float32]:
        """Give the features of the mirrored twins, (m, D) or (m, D + 2)."""
        mirrored = mirror_points(self.point[rows], self.grid_size).astype(np.float32)
        return _with_position(self.flipped_descriptor[rows], mirrored, position_weight / self.grid_size)


def detect(
    network: HourglassNetwork,
    images: StoredImages,
    indices: NDArray[np.int64],
    settings: DetectionSettings,
    *,
    size_px: int,
    precision: str,
    refine: bool = True,
    twins: bool = True,
    convention: PixelConvention = PIXEL_CENTRES,
) -> Detections:
    """Find detections in the crops of many images (method, section 4).

    Args:
        network: of stage 1, in eval mode, on the device of the images.
        images: the stored images.
        indices: which of them, (N,).
        settings: threshold, suppression; with `target_detections` everything above 0 is a candidate, since the
            threshold is chosen afterwards.
        size_px: width and height of the network's input.
        precision: of the network on a GPU; scores come in float32 from it all the same.
        refine: move each point a quarter of a cell toward its larger neighbours.
        twins: describe each detection in the mirrored image as well, for twice the time; names don't need it.
        convention: of the points that descriptors are read at.
    """
    floor = settings.threshold if settings.target_detections is None else 0.0
    columns = [_Column() for _ in range(5)]
    views_of = replace(images, workers=ALONE).views

    @torch.inference_mode()
    def search(batch: tuple[int, Tensor]) -> list[NDArray[Any]]:
        start, some = batch
        views = views_of(some, plain_views(images.crops[some], size_px))
        with autocast(precision, images.device):
            scores, maps = network(torch.cat([views, views.flip(3)]) if twins else views)
        found = _detect_in_maps(torch.sigmoid(scores[: len(some), 0]), maps, floor, settings, refine, convention)
        return [part.cpu().numpy() for part in (found[0] + start, *found[1:])]

    batches = _batches(indices, GPU_BATCH if images.device.type == "cuda" else CPU_BATCH, images.device)
    for parts in images.workers.stream(search, batches):
        for column, part in zip(columns, parts, strict=True):
            column.add(part)
    image, point, score, descriptor, flipped = (column.whole() for column in columns)
    return Detections(image, point, score, descriptor, flipped, len(indices), size_px // CELL_PX)


def joined_detections(own: Detections, indices: NDArray[np.int64], processes: Processes) -> Detections:
    """Join on the main process what each process found in its part of the images.

    Args:
        own: of this process, in its part of `indices`.
        indices: all images that were searched, (N,).
        processes: that searched.
    """
    first = int(processes.part(np.arange(len(indices)))[:1].sum())
    joined = processes.gathered
    return Detections(
        joined(own.image + first),
        joined(own.point),
        joined(own.score),
        joined(own.descriptor),
        joined(own.flipped_descriptor),
        len(indices),
        own.grid_size,
    )


def choose_threshold(scores: NDArray[np.float32], num_images: int, settings: DetectionSettings) -> float:
    """Choose the score above which an image has `target_detections` on average; the fixed one where none is set."""
    if settings.target_detections is None:
        return settings.threshold
    wanted = round(settings.target_detections * num_images)
    if wanted >= len(scores):
        return 0.0
    return float(np.partition(scores, len(scores) - wanted - 1)[len(scores) - wanted - 1])


def _with_position(descriptors: NDArray[np.floating], points: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    if scale == 0:
        return descriptors.astype(np.float32)
    return np.concatenate([descriptors, points * np.float32(scale)], axis=1, dtype=np.float32)


def _detect_in_maps(
    scores: Tensor,
    maps: Tensor,
    floor: float,
    settings: DetectionSettings,
    refine: bool,
    convention: PixelConvention,
) -> tuple[Tensor, ...]:
    """Find peaks in scores (B, G, G) and read descriptors from maps (B or 2 B, D, G, G), the mirrored ones last."""
    batch, grid_size, _ = scores.shape
    candidates = torch.where(scores > floor, scores, 0.0)
    peaks = candidates * suppress_neighbours(candidates, settings.nms_half_side_cells, settings.nms_iou)
    count = min(settings.max_detections or grid_size**2, grid_size**2)
    score, cell = peaks.flatten(1).topk(count, dim=1)
    cells = torch.stack([cell % grid_size, cell // grid_size], dim=2)
    points = refine_quarter_cell(cells, scores) if refine else cells.to(scores.dtype)
    own = sample_descriptors(maps[:batch], convention.to_centres(points)).half()
    twin = own[..., :0]
    if len(maps) > batch:
        mirrored = torch.stack([grid_size - 1 - points[..., 0], points[..., 1]], dim=2)
        twin = sample_descriptors(maps[batch:], convention.to_centres(mirrored)).half()
    found = score > 0
    image = torch.arange(batch, device=scores.device)[:, None].expand_as(found)
    return image[found], points[found], score[found], own[found], twin[found]


class _Column:
    """Gather rows, nobody knows how many, in one array that grows: memory never holds them twice."""

    def __init__(self) -> None:
        self._rows: NDArray[Any] = np.empty(0)
        self._count = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Put rows (n, ...) behind those that are there."""
        end = self._count + len(rows)
        if self._count == 0:
            self._rows = np.empty((end, *rows.shape[1:]), rows.dtype)
        if end > len(self._rows):
            self._resize(end + end // GROWTH)
        self._rows[self._count : end] = rows
        self._count = end

    def whole(self) -> NDArray[Any]:
        """Give all rows."""
        self._resize(self._count)
        return self._rows

    def _resize(self, count: int) -> None:
        # In place, as concatenating isn't: the system moves pages, and copies none.
        self._rows.resize((count, *self._rows.shape[1:]), refcheck=False)


def _batches(indices: NDArray[np.int64], size: int, device: torch.device) -> Iterator[tuple[int, Tensor]]:
    for start in tqdm(range(0, len(indices), size), desc="detecting", unit="batch", leave=False):
        yield start, torch.from_numpy(indices[start : start + size]).to(device)
