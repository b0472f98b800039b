"""The losses of both stages (method, sections 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from landmark_discovery.config.training import DescriptorLossSettings
from landmark_discovery.heatmaps.targets import Shape, cell_indices, draw_points
from landmark_discovery.training.pairs import distances_to_map, match_ids, negative_loss, positive_loss
from landmark_discovery.training.processes import SINGLE, Processes
from landmark_discovery.training.randomness import Randomness


@dataclass(frozen=True)
class Stage1Loss:
    """Hold the loss of stage 1 and its two parts, each a scalar."""

    total: Tensor
    detector: Tensor
    descriptor: Tensor

    def detached(self) -> Stage1Loss:
        """Give the numbers alone, so that what computed them can go."""
        return Stage1Loss(self.total.detach(), self.detector.detach(), self.descriptor.detach())


def stage1_loss(
    detector: Tensor,
    descriptor: Tensor,
    points: Tensor,
    ids: Tensor,
    shape: Shape,
    settings: DescriptorLossSettings,
    randomness: Randomness,
    processes: Processes = SINGLE,
) -> Stage1Loss:
    """Score a batch of pairs of views; the first halves are view 1, the second halves view 2.

    Args:
        detector: raw detector maps, (2 B, 1, G, G).
        descriptor: raw descriptor maps, (2 B, D, G, G).
        points: keypoints on the grid, (2 B, P, 2); NaN: none.
        ids: cluster ids, (2 B, P); below 0: none.
        shape: shape of the detector's target (`heatmaps.targets`).
        settings: of the descriptor loss.
        randomness: for the random negative pairs.
        processes: that share the batch; the mean of their losses is the loss of the whole batch.
    """
    grid_size = detector.shape[-1]
    target = draw_points(points, grid_size, shape)
    # The sum of two means over one view each.
    detector_loss = 2 * F.mse_loss(torch.sigmoid(detector.float()), target)
    maps = descriptor.permute(0, 2, 3, 1).flatten(1, 2)
    cells = cell_indices(points, grid_size)
    ids1, ids2 = torch.where(cells < grid_size**2, ids, -1).chunk(2)
    descriptors, squared = distances_to_map(maps, cells.clamp(max=grid_size**2 - 1))
    first, second = descriptors.chunk(2)
    positive = positive_loss(first, second, match_ids(ids1, ids2))
    negative = negative_loss(squared, points, settings, grid_size, randomness)
    pairs = processes.total(positive.count + negative.count).clamp(min=1) / processes.count
    descriptor_loss = settings.weight * (positive.total + negative.total) / pairs
    return Stage1Loss(detector_loss + descriptor_loss, detector_loss, descriptor_loss)


def stage2_loss(heatmaps: Tensor, targets: Tensor, present: Tensor) -> Tensor:
    """Average over landmarks half the squared error; images without a landmark count as matched for it.

    Args:
        heatmaps: predictions, (B, K, G, G).
        targets: of the same shape.
        present: whether the pseudo-ground-truth of the image holds the landmark, (B, K).
    """
    mask = present[..., None, None].to(targets.dtype)
    return 0.5 * F.mse_loss(heatmaps.float() * mask, targets * mask)
