"""Targets drawn into maps: one cell, or a bump of 3x3 cells, at each point."""

from __future__ import annotations

import torch
from torch import Tensor

# Values of a shape's cells by their distance from its centre, in steps along the axes.
Shape = tuple[float, ...]
PIXEL: Shape = (1.0,)
# The authors' values: a Gaussian over 3x3 cells (method, section 5).
BUMP: Shape = (1.0, 0.41111228, 0.16901332)
SHAPES = {"pixel": PIXEL, "bump": BUMP}


def cell_indices(points: Tensor, grid_size: int) -> Tensor:
    """Number the cell of each point row by row; `grid_size` ** 2 stands for a point outside the grid or NaN.

    Args:
        points: (..., 2) on the grid.
        grid_size: cells along a side.

    Returns:
        int64 (...).
    """
    inside = ((points >= -0.5) & (points < grid_size - 0.5)).all(dim=-1)
    # Half away from zero, and not to the even neighbour, so that every cell is equally wide.
    cells = torch.floor(torch.nan_to_num(points) + 0.5).long().clamp(0, grid_size - 1)
    return torch.where(inside, cells[..., 1] * grid_size + cells[..., 0], grid_size**2)


def draw_points(points: Tensor, grid_size: int, shape: Shape) -> Tensor:
    """Draw all points of an image into one map; where two overlap, the larger value stands.

    Args:
        points: (B, P, 2) on the grid; NaN: no point.
        grid_size: cells along a side.
        shape: `PIXEL` or `BUMP`.

    Returns:
        (B, 1, grid_size, grid_size) in [0, 1].
    """
    cells, values = _stamps(points, grid_size, shape)
    canvas = torch.zeros(len(points), grid_size**2 + 1, device=points.device)
    canvas = canvas.scatter_reduce(1, cells.flatten(1), values.flatten(1), reduce="amax")
    return canvas[:, :-1].view(-1, 1, grid_size, grid_size)


def draw_landmarks(points: Tensor, channels: Tensor, num_channels: int, grid_size: int) -> Tensor:
    """Draw each point as a bump into a channel of its own; points that share one add up (method, section 5).

    Args:
        points: (B, K, 2) on the grid; NaN: no point.
        channels: the channel of each point, (B, K).
        num_channels: channels of the result.
        grid_size: cells along a side.

    Returns:
        (B, num_channels, grid_size, grid_size).
    """
    cells, values = _stamps(points, grid_size, BUMP)
    stride = grid_size**2 + 1
    canvas = torch.zeros(len(points), num_channels * stride, device=points.device)
    canvas = canvas.scatter_add(1, (channels[..., None] * stride + cells).flatten(1), values.flatten(1))
    return canvas.view(-1, num_channels, stride)[..., :-1].reshape(-1, num_channels, grid_size, grid_size)


def _stamps(points: Tensor, grid_size: int, shape: Shape) -> tuple[Tensor, Tensor]:
    """Give cell numbers and values (B, P, cells of the shape); a point whose centre is outside draws nothing."""
    radius = len(shape) // 2
    steps = torch.arange(-radius, radius + 1, device=points.device, dtype=points.dtype)
    offsets = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1).view(-1, 2)
    outside = cell_indices(points, grid_size) == grid_size**2
    cells = cell_indices(torch.floor(points + 0.5)[..., None, :] + offsets, grid_size)
    cells = torch.where(outside[..., None], grid_size**2, cells)
    distance = offsets.abs().sum(dim=1)
    values = torch.zeros_like(distance)
    for steps_away, value in enumerate(shape):
        values = torch.where(distance == steps_away, value, values)
    return cells, values.expand(cells.shape)
