"""Positive and negative pairs of keypoints, and the contrastive loss over them (method, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from landmark_discovery.config.training import DescriptorLossSettings
from landmark_discovery.heatmaps.targets import cell_indices
from landmark_discovery.training.randomness import Randomness

INNER_BORDER = 1


@dataclass(frozen=True)
class PairLoss:
    """Sum the squared distances over the pairs, and count the pairs."""

    total: Tensor
    count: Tensor


@dataclass(frozen=True)
class _Pairs:
    squared: Tensor
    grid_distance: Tensor
    taken: Tensor


def match_ids(ids: Tensor, other_ids: Tensor) -> Tensor:
    """Match keypoints of equal cluster id between two views; where an id stands twice, its first keypoint counts.

    Args:
        ids: (B, P) of view 1; below 0: no keypoint.
        other_ids: (B, Q) of view 2.

    Returns:
        For each keypoint of view 1 the matching one of view 2, or -1, int64 (B, P).
    """
    equal = (ids[:, :, None] == other_ids[:, None, :]) & (ids >= 0)[:, :, None]
    return torch.where(equal.any(dim=2) & _first_of_id(ids), equal.int().argmax(dim=2), -1)


def positive_loss(descriptors: Tensor, other_descriptors: Tensor, matches: Tensor) -> PairLoss:
    """Sum |f_a - f_b|^2 over matched keypoints.

    Args:
        descriptors: of the keypoints of view 1, (B, P, D).
        other_descriptors: of view 2, (B, Q, D).
        matches: from `match_ids`, (B, P).
    """
    matched = matches >= 0
    partner = read_cells(other_descriptors, matches.clamp(min=0))
    return PairLoss(((descriptors - partner).square().sum(dim=2) * matched).sum(), matched.sum())


def negative_loss(
    squared: Tensor, points: Tensor, settings: DescriptorLossSettings, grid_size: int, randomness: Randomness
) -> PairLoss:
    """Sum max(0, margin - |f_a - f_b|)^2 over negative pairs within each view.

    All pairs of inner keypoints come first, then pairs of a random inner keypoint and a random cell, up to
    `negative_pairs` together; pairs that are too near on the grid are void.

    Args:
        squared: |f_a - f_b|^2 between each keypoint and each cell, from `distances_to_map`, (B, P, G * G).
        points: keypoints on the grid, (B, P, 2); NaN: none.
        settings: margin, number of pairs, least distance.
        grid_size: cells along a side (G).
        randomness: on the device of the points.
    """
    inner = inner_points(points, grid_size)
    cells = torch.where(inner, cell_indices(points, grid_size), 0)
    least = (settings.negative_distance * grid_size) ** 2
    limit = settings.negative_pairs
    between = _keypoint_pairs(squared, cells, inner, limit, grid_size)
    random = _random_pairs(squared, cells, inner, limit, grid_size, randomness)
    budget = limit - between.taken.sum(dim=1, keepdim=True)
    in_budget = torch.arange(limit, device=points.device) < budget
    enough = (inner.sum(dim=1) >= 3)[:, None]
    far = torch.cat([between.grid_distance, random.grid_distance], dim=1) >= least
    valid = torch.cat([between.taken, in_budget], dim=1) & far & enough
    distance = torch.sqrt(torch.cat([between.squared, random.squared], dim=1) + 1e-9)
    hinge = (settings.margin - distance).clamp(min=0).square()
    return PairLoss((hinge * valid).sum(), valid.sum())


def inner_points(points: Tensor, grid_size: int) -> Tensor:
    """Say which keypoints (B, P, 2) lie inside the grid's outermost cells, (B, P)."""
    cells = torch.floor(points + 0.5)
    return ((cells >= INNER_BORDER) & (cells <= grid_size - 1 - INNER_BORDER)).all(dim=2)


def read_cells(maps: Tensor, cells: Tensor) -> Tensor:
    """Read the rows (B, P) of maps (B, C, D), as (B, P, D)."""
    return maps.gather(1, cells[..., None].expand(-1, -1, maps.shape[2]))


def distances_to_map(maps: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Give the descriptors at some cells, and |f_a - f_b|^2 between them and those at every cell.

    One matrix product serves every pair, so that no descriptor is copied for a pair of its own.

    Args:
        maps: descriptors, (B, C, D).
        cells: int64 (B, P), each below C.

    Returns:
        Descriptors (B, P, D) and squared distances (B, P, C), float32 where the maps are rounded.
    """
    anchors, squared = _DistancesToMap.apply(maps, cells)  # type: ignore[no-untyped-call]
    return anchors, squared


class _DistancesToMap(Function):
    """Pass over the maps twice forward and three times backward, where PyTorch's own gradients take ten passes."""

    @staticmethod
    def forward(ctx: FunctionCtx, maps: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        exact = maps.to(torch.promote_types(maps.dtype, torch.float32))
        anchors = read_cells(exact, cells)
        norms = torch.linalg.vector_norm(exact, dim=2).square()
        own = anchors.square().sum(dim=2)
        squared = torch.baddbmm(norms[:, None], anchors, exact.transpose(1, 2), alpha=-2).add_(own[..., None])
        squared.clamp_(min=0)
        ctx.save_for_backward(maps, cells, anchors, squared)
        return anchors, squared

    @staticmethod
    def backward(ctx: Any, to_anchors: Tensor, to_squared: Tensor) -> tuple[Tensor, None]:
        """Give the gradient of the maps: of the cells as such, and once more of those that are anchors."""
        maps, cells, anchors, squared = ctx.saved_tensors
        to_squared = torch.where(squared > 0, to_squared, 0)
        at_anchors = to_anchors + 2 * to_squared.sum(dim=2)[..., None] * anchors
        gradient = maps * (2 * to_squared.sum(dim=1))[..., None].to(maps.dtype)
        to_squared = to_squared.to(maps.dtype)
        gradient.baddbmm_(to_squared.transpose(1, 2), anchors.to(maps.dtype), alpha=-2)
        at_anchors = at_anchors.to(maps.dtype).baddbmm_(to_squared, maps, alpha=-2)
        return gradient.scatter_add_(1, cells[..., None].expand_as(at_anchors), at_anchors), None


def _keypoint_pairs(squared: Tensor, cells: Tensor, inner: Tensor, limit: int, grid_size: int) -> _Pairs:
    count = cells.shape[1]
    first, second = torch.triu_indices(count, count, 1, device=cells.device)
    between = squared.gather(2, cells[:, None].expand(-1, count, -1))[:, first, second]
    both_inner = inner[:, first] & inner[:, second]
    taken = both_inner & (both_inner.cumsum(dim=1) <= limit)
    return _Pairs(between, _squared_grid_distance(cells[:, first], cells[:, second], grid_size), taken)


def _random_pairs(
    squared: Tensor, cells: Tensor, inner: Tensor, count: int, grid_size: int, randomness: Randomness
) -> _Pairs:
    # The n-th inner keypoint for a random n: padding is never drawn, and nothing is counted on the host.
    order = torch.argsort(inner.int(), dim=1, descending=True, stable=True)
    drawn = randomness.uniform(len(cells), count) * inner.sum(dim=1, keepdim=True)
    keypoint = order.gather(1, drawn.long().clamp(max=cells.shape[1] - 1))
    x, y = randomness.integers(1, grid_size, len(cells), count, 2).unbind(2)
    pixel = y * grid_size + x
    between = squared.flatten(1).gather(1, keypoint * squared.shape[2] + pixel)
    return _Pairs(between, _squared_grid_distance(cells.gather(1, keypoint), pixel, grid_size), torch.ones_like(pixel))


def _squared_grid_distance(cells: Tensor, other: Tensor, grid_size: int) -> Tensor:
    return (cells % grid_size - other % grid_size) ** 2 + (cells // grid_size - other // grid_size) ** 2


def _first_of_id(ids: Tensor) -> Tensor:
    equal = ids[:, :, None] == ids[:, None, :]
    earlier = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril(-1)
    return ~(equal & earlier).any(dim=2)
