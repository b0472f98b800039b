"""Descriptors read out of descriptor maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

# Widths and heights on which half precision knows quarters of a cell.
_EXACT_GRIDS = ((16, 16), (32, 32), (64, 64))


def sample_descriptors(maps: Tensor, points: Tensor) -> Tensor:
    """Read L2-normalised descriptors bilinearly at points.

    Whole numbers are cell centres. (The authors' formula reads half a cell away, and mirrored twins a whole cell
    apart; method, section 4. Kept for their weights alone: `heatmaps.conventions`.)

    Args:
        maps: raw descriptors (B, D, H, W).
        points: (B, P, 2) on the grid; NaN gives an arbitrary descriptor.

    Returns:
        (B, P, D), each of length 1.
    """
    height, width = maps.shape[-2:]
    size = torch.tensor([width, height], device=points.device, dtype=points.dtype)
    positions = (2 * torch.nan_to_num(points) + 1) / size - 1
    if (width, height) not in _EXACT_GRIDS:
        # Quarter cells would be rounded by up to a sixteenth of a cell in half precision.
        maps = maps.float()
    sampled = F.grid_sample(
        maps, positions[:, :, None].to(maps.dtype), mode="bilinear", padding_mode="border", align_corners=False
    )
    return F.normalize(sampled[..., 0].transpose(1, 2).float(), dim=2)
