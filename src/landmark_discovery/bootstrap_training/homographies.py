"""Random homographies, and images, points and masks seen through them.

A homography (3, 3) maps the pixels (x, y, 1) of an image to those of its view; whole numbers are pixel centres.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from landmark_discovery.config.bootstrap_training import HomographySettings


def draw_homographies(
    count: int, size_px: int, view_px: int, settings: HomographySettings, generator: Generator
) -> Tensor:
    """Draw homographies from square images to square views, each about the centres of both.

    Without rotation, scale and all the rest, a view shows the image's middle at its own size.

    Args:
        count: of homographies (B).
        size_px: width and height of the images.
        view_px: width and height of the views.
        settings: ranges.
        generator: source of randomness; its device is that of the result.

    Returns:
        float32 (B, 3, 3).
    """

    def symmetric(limit: float, *shape: int) -> Tensor:
        return (torch.rand(count, *shape, generator=generator, device=generator.device) * 2 - 1) * limit

    angle = symmetric(math.radians(settings.rotation_degrees))
    low, high = (math.log(limit) for limit in settings.scale)
    scale = torch.exp((high + low) / 2 + symmetric((high - low) / 2))
    stretch = torch.exp(symmetric(math.log1p(settings.stretch)) / 2)
    shift = symmetric(settings.translation * view_px, 2)
    # A denominator of 1 + p at the edge of the image.
    bend = symmetric(settings.perspective, 2) / (size_px / 2)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    turn = _matrix([cosine, -sine, shift[:, 0]], [sine, cosine, shift[:, 1]], [zero, zero, one])
    stretched = _matrix([scale * stretch, zero, zero], [zero, scale / stretch, zero], [zero, zero, one])
    bent = _matrix([one, zero, zero], [zero, one, zero], [bend[:, 0], bend[:, 1], one])
    place = _shift_matrix((view_px - 1) / 2, generator.device)
    centre = _shift_matrix(-(size_px - 1) / 2, generator.device)
    return place @ turn @ stretched @ bent @ centre


def warp_images(images: Tensor, homographies: Tensor, view_px: int) -> Tensor:
    """Show images (B, C, H, W) through homographies (B, 3, 3): (B, C, view_px, view_px), 0 outside of the image."""
    sources = warp_points(_pixels(view_px, images.device)[None], torch.linalg.inv(homographies))
    size = torch.tensor([images.shape[-1], images.shape[-2]], device=images.device)
    # grid_sample counts an image from edge to edge as -1 .. 1.
    grid = ((sources + 0.5) * 2 / size - 1).view(-1, view_px, view_px, 2)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def warp_points(points: Tensor, homographies: Tensor) -> Tensor:
    """Map points (B, P, 2), or (1, P, 2) for all, by homographies (B, 3, 3); NaN stays NaN."""
    mapped = torch.cat([points, torch.ones_like(points[..., :1])], dim=-1) @ homographies.transpose(-1, -2)
    # Beyond the horizon nothing is seen; a view that small a perspective allows has none.
    return mapped[..., :2] / mapped[..., 2:]


def seen_pixels(homographies: Tensor, size_px: int, view_px: int, margin_px: int = 0) -> Tensor:
    """Say which pixels of the views show the image, at least a margin from its edges.

    Returns:
        Booleans (B, view_px, view_px).
    """
    sources = warp_points(_pixels(view_px, homographies.device)[None], torch.linalg.inv(homographies))
    inside = (sources >= margin_px) & (sources <= size_px - 1 - margin_px)
    return inside.all(dim=-1).view(-1, view_px, view_px)


def _pixels(size_px: int, device: torch.device) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(size_px), torch.arange(size_px), indexing="ij")
    return torch.stack([columns, rows], dim=-1).view(-1, 2).float().to(device)


def _matrix(*rows: list[Tensor]) -> Tensor:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _shift_matrix(shift_px: float, device: torch.device) -> Tensor:
    return torch.tensor([[1.0, 0.0, shift_px], [0.0, 1.0, shift_px], [0.0, 0.0, 1.0]], device=device)
