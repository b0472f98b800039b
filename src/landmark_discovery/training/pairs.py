"""Positive and negative pairs of keypoints, and the contrastive loss over them (method, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from landmark_discovery.config.training import DescriptorLossSettings
from landmark_discovery.heatmaps.targets import cell_indices

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


def positive_loss(maps: Tensor, other_maps: Tensor, cells: Tensor, other_cells: Tensor, matches: Tensor) -> PairLoss:
    """Sum |f_a - f_b|^2 over matched keypoints.

    Args:
        maps: raw descriptors of view 1, (B, D, G * G).
        other_maps: of view 2.
        cells: cell numbers of the keypoints of view 1, (B, P), each below G * G where matched.
        other_cells: of view 2, (B, Q).
        matches: from `match_ids`, (B, P).
    """
    matched = matches >= 0
    partner = other_cells.gather(1, matches.clamp(min=0))
    difference = descriptors_at(maps, cells) - descriptors_at(other_maps, partner)
    return PairLoss((difference.square().sum(dim=1) * matched).sum(), matched.sum())


def negative_loss(
    maps: Tensor, points: Tensor, settings: DescriptorLossSettings, grid_size: int, generator: Generator
) -> PairLoss:
    """Sum max(0, margin - |f_a - f_b|)^2 over negative pairs within each view.

    All pairs of inner keypoints come first, then pairs of a random inner keypoint and a random cell, up to
    `negative_pairs` together; pairs that are too near on the grid are void.

    Args:
        maps: raw descriptors, (B, D, G * G).
        points: keypoints on the grid, (B, P, 2); NaN: none.
        settings: margin, number of pairs, least distance.
        grid_size: cells along a side (G).
        generator: on the device of the maps.
    """
    inner = inner_points(points, grid_size)
    cells = torch.where(inner, cell_indices(points, grid_size), 0)
    squared = squared_distances_to_map(maps, cells)
    least = (settings.negative_distance * grid_size) ** 2
    limit = settings.negative_pairs
    between = _keypoint_pairs(squared, cells, inner, limit, grid_size)
    random = _random_pairs(squared, cells, inner, limit, grid_size, generator)
    budget = limit - between.taken.sum(dim=1, keepdim=True)
    in_budget = torch.arange(limit, device=maps.device) < budget
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


def descriptors_at(maps: Tensor, cells: Tensor) -> Tensor:
    """Read descriptors at cells (B, P) of maps (B, D, G * G), as (B, D, P); a cell outside reads the last one."""
    index = cells.clamp(0, maps.shape[2] - 1)
    return maps.gather(2, index[:, None].expand(-1, maps.shape[1], -1))


def squared_distances_to_map(maps: Tensor, cells: Tensor) -> Tensor:
    """Give |f_a - f_b|^2 between the descriptors at cells (B, P) and at every cell, (B, P, G * G).

    One matrix product serves every pair, so that no descriptor is copied for a pair of its own.
    """
    anchors = descriptors_at(maps, cells)
    product = anchors.transpose(1, 2) @ maps
    squared = anchors.square().sum(dim=1)[:, :, None] + maps.square().sum(dim=1)[:, None, :] - 2 * product
    return squared.clamp(min=0)


def _keypoint_pairs(squared: Tensor, cells: Tensor, inner: Tensor, limit: int, grid_size: int) -> _Pairs:
    count = cells.shape[1]
    first, second = torch.triu_indices(count, count, 1, device=cells.device)
    between = squared.gather(2, cells[:, None].expand(-1, count, -1))[:, first, second]
    both_inner = inner[:, first] & inner[:, second]
    taken = both_inner & (both_inner.cumsum(dim=1) <= limit)
    return _Pairs(between, _squared_grid_distance(cells[:, first], cells[:, second], grid_size), taken)


def _random_pairs(
    squared: Tensor, cells: Tensor, inner: Tensor, count: int, grid_size: int, generator: Generator
) -> _Pairs:
    batch, device = len(cells), cells.device
    # The n-th inner keypoint for a random n: padding is never drawn, and nothing is counted on the host.
    order = torch.argsort(inner.int(), dim=1, descending=True, stable=True)
    drawn = torch.rand(batch, count, generator=generator, device=device) * inner.sum(dim=1, keepdim=True)
    keypoint = order.gather(1, drawn.long().clamp(max=cells.shape[1] - 1))
    xy = torch.randint(1, grid_size, (2, batch, count), generator=generator, device=device)
    pixel = xy[1] * grid_size + xy[0]
    between = squared.flatten(1).gather(1, keypoint * squared.shape[2] + pixel)
    return _Pairs(between, _squared_grid_distance(cells.gather(1, keypoint), pixel, grid_size), torch.ones_like(pixel))


def _squared_grid_distance(cells: Tensor, other: Tensor, grid_size: int) -> Tensor:
    return (cells % grid_size - other % grid_size) ** 2 + (cells // grid_size - other // grid_size) ** 2


def _first_of_id(ids: Tensor) -> Tensor:
    equal = ids[:, :, None] == ids[:, None, :]
    earlier = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril(-1)
    return ~(equal & earlier).any(dim=2)
