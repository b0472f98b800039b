"""Random changes of colour, sharpness and noise, a whole batch at once (method, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.training.noise import position_noise
from landmark_discovery.training.randomness import Randomness

# Wide enough for a sigma of 0.7 px, the largest that settings may have; the method's is 0.5.
BLUR_RADIUS_PX = 2


@dataclass(frozen=True)
class ColourChange:
    """Say how each of B images changes.

    Attributes:
        blur_sigma_px: (B,); 0: not at all.
        contrast: factor around 127, (B,).
        noise_deviation: (B,) in 0..255; 0: no noise.
        noise_seed: int64 (B,).
        noise_coloured: whether each channel has noise of its own, (B,).
        brightness: factor of each channel, (B, 3).
        hue: factor, (B,).
        saturation: factor, (B,).
    """

    blur_sigma_px: Tensor
    contrast: Tensor
    noise_deviation: Tensor
    noise_seed: Tensor
    noise_coloured: Tensor
    brightness: Tensor
    hue: Tensor
    saturation: Tensor

    def of(self, rows: slice) -> ColourChange:
        """Give the change of some of the images."""
        return ColourChange(**{name: value[rows] for name, value in vars(self).items()})


def draw_colour_change(count: int, settings: AugmentationSettings, randomness: Randomness) -> ColourChange:
    """Draw how each of `count` images changes."""

    def uniform(limits: tuple[float, float], *shape: int) -> Tensor:
        return randomness.uniform(count, *shape, low=limits[0], high=limits[1])

    def chance(probability: float) -> Tensor:
        return randomness.chance(probability, count)

    brightness = uniform(settings.brightness, 3)
    coloured = chance(settings.brightness_per_channel_probability)
    recoloured = chance(settings.hue_saturation_probability)
    return ColourChange(
        blur_sigma_px=uniform(settings.blur_sigma_px) * chance(settings.blur_probability),
        contrast=uniform(settings.contrast),
        noise_deviation=255 * uniform(settings.noise_deviation) * chance(settings.noise_probability),
        noise_seed=randomness.integers(0, 2**31, count),
        noise_coloured=chance(settings.noise_per_channel_probability),
        brightness=torch.where(coloured[:, None], brightness, brightness[:, :1]),
        hue=torch.where(recoloured, uniform(settings.hue_saturation), 1.0),
        saturation=torch.where(recoloured, uniform(settings.hue_saturation), 1.0),
    )


def no_colour_change(count: int, device: torch.device) -> ColourChange:
    """Give the change that leaves each of `count` images as it is."""
    zero, one = torch.zeros(count, device=device), torch.ones(count, device=device)
    return ColourChange(zero, one, zero, zero.long(), zero.bool(), one[:, None].expand(-1, 3), one, one)


def change_colours(images: Tensor, change: ColourChange) -> Tensor:
    """Blur, change contrast, add noise, and change brightness, hue and saturation, in this order.

    Args:
        images: (B, 3, H, W) in 0..255.
        change: of B images.

    Returns:
        (B, 3, H, W) in 0..255.
    """
    images = _change_some(images, change.blur_sigma_px > 0, blur, change.blur_sigma_px)
    images = (images - 127).mul_(_column(change.contrast)).add_(127)
    noise = change.noise_deviation, change.noise_seed, change.noise_coloured
    images = _change_some(images, change.noise_deviation > 0, add_noise, *noise)
    images = images.clamp(0, 255).mul_(change.brightness[:, :, None, None]).clamp_(0, 255)
    recoloured = (change.hue != 1) | (change.saturation != 1)
    return _change_some(images, recoloured, multiply_hue_and_saturation, change.hue, change.saturation)


def blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each image by a Gaussian of its own; a sigma of 0 changes nothing.

    Args:
        images: (B, C, H, W).
        sigma_px: (B,), at most about 1.
    """
    distance = torch.arange(BLUR_RADIUS_PX + 1, device=images.device)
    weights = torch.exp(-0.5 * (distance / sigma_px[:, None].clamp(min=1e-3)) ** 2)
    weights = weights / (2 * weights.sum(dim=1, keepdim=True) - weights[:, :1])
    for axis in (2, 3):
        images = _convolve(images, weights, axis)
    return images


def add_noise(images: Tensor, deviation: Tensor, seed: Tensor, coloured: Tensor) -> Tensor:
    """Add Gaussian noise, the same to all channels or to each its own.

    Args:
        images: (B, 3, H, W).
        deviation: (B,).
        seed: of the noise of each image, int64 (B,).
        coloured: whether each channel has its own, (B,).
    """
    batch, channels, height, width = images.shape
    noise = position_noise(seed, height * width * channels).view(batch, height, width, channels).permute(0, 3, 1, 2)
    return images + torch.where(_column(coloured), noise, noise[:, :1]) * _column(deviation)


def multiply_hue_and_saturation(images: Tensor, hue: Tensor, saturation: Tensor) -> Tensor:
    """Multiply the hue (in 0..1, wrapping round) and the saturation of each image.

    Args:
        images: (B, 3, H, W) in 0..255.
        hue: factor of each image, (B,).
        saturation: factor of each image, (B,).
    """
    value = images.amax(dim=1, keepdim=True)
    chroma = value - images.amin(dim=1, keepdim=True)
    new_hue = _hue(images, value, chroma) * _column(hue) % 1.0
    new_chroma = value * (chroma / value.clamp(min=1e-6) * _column(saturation)).clamp(0, 1)
    # f(n) = V - C * max(0, min(k, 4 - k, 1)) with k = (n + 6 h) mod 6 turns hue, chroma and value into R, G, B.
    steps = 5 - 2 * torch.arange(3, device=images.device).view(1, 3, 1, 1)
    phase = (steps + 6 * new_hue) % 6
    return value - new_chroma * torch.minimum(phase, 4 - phase).clamp_(0, 1)


def _hue(images: Tensor, value: Tensor, chroma: Tensor) -> Tensor:
    red, green, blue = images.chunk(3, dim=1)
    span = chroma.clamp(min=1e-6)
    sector = torch.where(
        value == red,
        (green - blue) / span % 6,
        torch.where(value == green, (blue - red) / span + 2, (red - green) / span + 4),
    )
    return sector / 6


def _change_some(images: Tensor, chosen: Tensor, change: Callable[..., Tensor], *parameters: Tensor) -> Tensor:
    """Change the chosen images (B,) by a function of images and parameters, one of each an image.

    On a GPU all are changed and the chosen ones kept, since counting them would stop the host; a CPU changes fewer.
    """
    if images.device.type != "cpu":
        return torch.where(_column(chosen), change(images, *parameters), images)
    rows = chosen.nonzero()[:, 0]
    return images.index_copy(0, rows, change(images[rows], *(parameter[rows] for parameter in parameters)))


def _column(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _convolve(images: Tensor, weights: Tensor, axis: int) -> Tensor:
    """Convolve along an axis with symmetric weights (B, radius + 1), the middle one first."""
    pad = (BLUR_RADIUS_PX, BLUR_RADIUS_PX)
    padded = F.pad(images, (*pad, 0, 0) if axis == 3 else (0, 0, *pad), mode="replicate")
    length = images.shape[axis]

    def shifted(start: int) -> Tensor:
        return padded.narrow(axis, start, length)

    factors = weights.T[..., None, None, None]
    total = images * factors[0]
    for distance in range(1, BLUR_RADIUS_PX + 1):
        both = shifted(BLUR_RADIUS_PX - distance) + shifted(BLUR_RADIUS_PX + distance)
        total.addcmul_(both, factors[distance])
    return total
