"""The losses of both stages (method, sections 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor

from landmark_discovery.config.training import DescriptorLossSettings
from landmark_discovery.heatmaps.targets import cell_indices, draw_points
from landmark_discovery.training.pairs import match_ids, negative_loss, positive_loss


@dataclass(frozen=True)
class Stage1Loss:
    """Hold the loss of stage 1 and its two parts, each a scalar."""

    total: Tensor
    detector: Tensor
    descriptor: Tensor


def stage1_loss(
    detector: Tensor,
    descriptor: Tensor,
    points: Tensor,
    ids: Tensor,
    shape: Tensor,
    settings: DescriptorLossSettings,
    generator: Generator,
) -> Stage1Loss:
    """Score a batch of pairs of views; the first halves are view 1, the second halves view 2.

    Args:
        detector: raw detector maps, (2 B, 1, G, G).
        descriptor: raw descriptor maps, (2 B, D, G, G).
        points: keypoints on the grid, (2 B, P, 2); NaN: none.
        ids: cluster ids, (2 B, P); below 0: none.
        shape: shape of the detector's target (`heatmaps.targets`).
        settings: of the descriptor loss.
        generator: for the random negative pairs.
    """
    grid_size = detector.shape[-1]
    target = draw_points(points, grid_size, shape)
    # The sum of two means over one view each.
    detector_loss = 2 * F.mse_loss(torch.sigmoid(detector.float()), target)
    maps = descriptor.float().flatten(2)
    cells = cell_indices(points, grid_size)
    ids = torch.where(cells < grid_size**2, ids, -1)
    (maps1, maps2), (cells1, cells2), (ids1, ids2) = maps.chunk(2), cells.chunk(2), ids.chunk(2)
    positive = positive_loss(maps1, maps2, cells1, cells2, match_ids(ids1, ids2))
    negative = negative_loss(maps, points, settings, grid_size, generator)
    pairs = (positive.count + negative.count).clamp(min=1)
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
