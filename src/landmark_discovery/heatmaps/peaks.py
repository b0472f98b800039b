"""Points found in score maps: suppression, sub-cell refinement, and the highest point of a heatmap."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

# As far as a trained peak reaches: in the embedded experiment 0.63 of its height is left one cell off, 0.16 two off
# and 0.06 three off. The centre of mass of fewer cells jumps more where the highest cell changes between two that are
# nearly equal, that of more cells takes in what is beside the peak.
_CENTRE_REACH_CELLS = 3
_STILL_BORDER_CELLS = 2


def suppress_neighbours(scores: Tensor, half_side: int, iou_limit: float) -> Tensor:
    """Keep, in each map, the cells that greedy non-maximum suppression on squares keeps.

    A batched form of `heatmaps.suppression.suppress_squares` on all cells: each pass keeps the cells that are the
    highest of their remaining neighbours and strikes those neighbours out, until none remains. Ties go to the cell
    that comes first, row by row.

    Args:
        scores: (B, H, W); cells that are 0 or less are never kept.
        half_side: half the side of the squares, in cells.
        iou_limit: squares that overlap more than this suppress each other.

    Returns:
        Boolean mask (B, H, W).
    """
    batch, height, width = scores.shape
    # Ranks instead of scores: they have no ties, and whole numbers below 2^24 are exact in float32.
    order = torch.argsort(scores.reshape(batch, -1), dim=1, descending=True, stable=True)
    places = torch.arange(height * width, 0, -1, device=scores.device).expand_as(order)
    ranks = torch.empty_like(order).scatter_(1, order, places)
    remaining = torch.where(scores > 0, ranks.view_as(scores).float(), 0.0)
    kept = torch.zeros_like(scores, dtype=torch.bool)
    offsets = _suppressed_offsets(half_side, iou_limit)
    while bool((remaining > 0).any()):
        peaks = (remaining > 0) & (remaining >= _neighbourhood_maximum(remaining, offsets))
        kept |= peaks
        remaining = torch.where(_neighbourhood_maximum(peaks.float(), offsets) > 0, 0.0, remaining)
    return kept


def refine_quarter_cell(points: Tensor, scores: Tensor) -> Tensor:
    """Move points a quarter of a cell toward the larger neighbour, in x and in y (method, section 4).

    Points with x < 2 or x > W - 2 stay, and likewise in y. The authors' rule: a cell less at the far edges.

    Args:
        points: whole cells (..., P, 2) of maps that share the leading axes.
        scores: (..., H, W).

    Returns:
        Float points (..., P, 2).
    """
    height, width = scores.shape[-2:]
    x, y = points.long().unbind(-1)
    flat = scores.flatten(-2)

    def score_at(column: Tensor, row: Tensor) -> Tensor:
        return flat.gather(-1, row.clamp(0, height - 1) * width + column.clamp(0, width - 1))

    step_x = torch.sign(score_at(x + 1, y) - score_at(x - 1, y))
    step_y = torch.sign(score_at(x, y + 1) - score_at(x, y - 1))
    border = _STILL_BORDER_CELLS
    inside = (x >= border) & (x <= width - border) & (y >= border) & (y <= height - border)
    step = torch.stack([step_x, step_y], dim=-1) * inside[..., None]
    return points.to(scores.dtype) + 0.25 * step


def highest_points(heatmaps: Tensor, subpixel: bool) -> tuple[Tensor, Tensor]:
    """Find the highest cell of each heatmap.

    Args:
        heatmaps: (B, K, H, W).
        subpixel: refine by the centre of mass of the positive 7x7 cells around it.

    Returns:
        Points (B, K, 2) on the grid and their scores (B, K).
    """
    width = heatmaps.shape[-1]
    score, index = heatmaps.flatten(2).max(dim=2)
    points = torch.stack([index % width, index // width], dim=-1)
    return (_centre_of_mass(heatmaps, points) if subpixel else points.to(heatmaps.dtype)), score


def _centre_of_mass(heatmaps: Tensor, points: Tensor) -> Tensor:
    batch, channels, _, width = heatmaps.shape
    reach = _CENTRE_REACH_CELLS
    padded = F.pad(heatmaps, (reach, reach, reach, reach)).clamp(min=0).flatten(2)
    steps = torch.arange(-reach, reach + 1, device=heatmaps.device)
    offsets = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1).view(-1, 2)
    cells = points[:, :, None, :] + offsets + reach
    weights = padded.gather(2, (cells[..., 1] * (width + 2 * reach) + cells[..., 0]).view(batch, channels, -1))
    shift = (weights[..., None] * offsets).sum(2) / weights.sum(2, keepdim=True).clamp(min=1e-12)
    return points + shift


def _suppressed_offsets(half_side: int, iou_limit: float) -> Tensor:
    """Mark the offsets (2 r + 1, 2 r + 1) at which two squares overlap by more than the limit."""
    side = 2 * half_side
    steps = torch.arange(-side, side + 1)
    overlap = (side - steps.abs()).clamp(min=0)
    shared = overlap[:, None] * overlap[None, :]
    return shared / (2 * side**2 - shared) > iou_limit


def _neighbourhood_maximum(values: Tensor, offsets: Tensor) -> Tensor:
    """Take the largest value over the marked offsets of each cell, (B, H, W)."""
    reach = int(offsets.any(dim=0).nonzero().abs().max() - offsets.shape[0] // 2) if offsets.any() else 0
    span = offsets.shape[0] // 2
    inner = offsets[span - reach : span + reach + 1, span - reach : span + reach + 1]
    if bool(inner.all()):
        return F.max_pool2d(values[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0]
    columns = F.unfold(values[:, None], 2 * reach + 1, padding=reach)
    return columns[:, inner.flatten().to(values.device)].amax(dim=1).view_as(values)
