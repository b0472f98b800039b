"""Random changes of light, sharpness and noise in grey images, a whole batch at once."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from landmark_discovery.config.bootstrap_training import LightSettings

BLUR_RADIUS_PX = 3


def change_light(images: Tensor, settings: LightSettings, generator: Generator) -> Tensor:
    """Blur images (B, 1, H, W) in 0..1, change gamma, contrast and brightness, cast a soft shadow and add noise."""
    count = len(images)

    def uniform(limits: tuple[float, float]) -> Tensor:
        drawn = torch.rand(count, 1, 1, 1, generator=generator, device=generator.device)
        return drawn * (limits[1] - limits[0]) + limits[0]

    changed = blur(images, uniform(settings.blur_sigma_px).flatten()).clamp(0, 1) ** uniform(settings.gamma)
    changed = (changed - 0.5) * uniform(settings.contrast) + 0.5 + uniform(settings.brightness)
    changed = changed * (1 - uniform(settings.shade) * _shadows(count, images.shape[-1], generator))
    noise = torch.randn(changed.shape, generator=generator, device=generator.device)
    return (changed + noise * uniform(settings.noise_deviation)).clamp(0, 1)


def blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each image (B, 1, H, W) by a Gaussian of its own sigma (B,), at most 1.5 px; edges are repeated."""
    offsets = torch.arange(-BLUR_RADIUS_PX, BLUR_RADIUS_PX + 1, device=images.device, dtype=images.dtype)
    # A sigma of 0 leaves the middle alone.
    weights = torch.exp(-0.5 * (offsets / sigma_px[:, None].clamp(min=1e-3)) ** 2)
    weights = weights / weights.sum(dim=1, keepdim=True)
    padded = functional.pad(images, [BLUR_RADIUS_PX] * 4, mode="replicate").transpose(0, 1)
    rows = functional.conv2d(padded, weights[:, None, None, :], groups=len(images))
    return functional.conv2d(rows, weights[:, None, :, None], groups=len(images)).transpose(0, 1)


def _shadows(count: int, size_px: int, generator: Generator) -> Tensor:
    """Draw the shade of a soft half-plane at every pixel, (B, 1, H, W) in 0..1."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, 1, 1, generator=generator, device=generator.device) * (high - low) + low

    place = torch.linspace(-1, 1, size_px, device=generator.device)
    angle = uniform(0, 2 * torch.pi)
    along = torch.cos(angle) * place[None, None, :] + torch.sin(angle) * place[None, :, None]
    return torch.sigmoid((along - uniform(-1, 1)) * uniform(3, 12))[:, None]
