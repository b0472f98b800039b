"""Augmented views in one pass over the stored images, on a GPU with Triton."""

from __future__ import annotations

import torch
import triton
from torch import Tensor

from landmark_discovery.training.colour import BLUR_RADIUS_PX, ColourChange
from landmark_discovery.training.kernels import views as kernels
from landmark_discovery.training.views import ViewGeometry

VIEW_PIXELS = 256


def fused_views(pixels: Tensor, stored_size: Tensor, geometry: ViewGeometry, change: ColourChange) -> Tensor:
    """Change the colours of stored images and sample their views.

    Args:
        pixels: uint8 (B, H, W, 3), on a GPU.
        stored_size: (B, 2) width and height that each image fills.
        geometry: of B views.
        change: of B images.

    Returns:
        float32 (B, 3, S, S) in [0, 1], channels last.
    """
    count, height, width, _ = pixels.shape
    size = geometry.size_px
    parameters = _parameters(stored_size, geometry, change)
    views = torch.empty((count, 3, size, size), device=pixels.device, memory_format=torch.channels_last)
    kernels.sample[(triton.cdiv(size * size, VIEW_PIXELS), count)](
        pixels.contiguous(),
        views,
        parameters,
        change.noise_seed,
        height,
        width,
        size,
        PARAMETERS=parameters.shape[1],
        RADIUS=BLUR_RADIUS_PX,
        BLOCK=VIEW_PIXELS,
    )
    return views


def _parameters(stored_size: Tensor, geometry: ViewGeometry, change: ColourChange) -> Tensor:
    """Lay the numbers that the kernel needs of each view in one row, (B, 17)."""
    columns = (
        geometry.inverse_matrix().flatten(1),
        geometry.shift,
        stored_size,
        change.blur_sigma_px[:, None],
        change.contrast[:, None],
        change.noise_deviation[:, None],
        change.noise_coloured[:, None].float(),
        change.brightness,
        change.hue[:, None],
        change.saturation[:, None],
    )
    return torch.cat(columns, dim=1)
