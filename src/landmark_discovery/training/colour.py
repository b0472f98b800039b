"""Random changes of colour, sharpness and noise, a whole batch at once (method, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor

from landmark_discovery.config.training import AugmentationSettings

# Wide enough for a sigma of about 0.7 px; the method's largest is 0.5.
BLUR_RADIUS_PX = 2

Change = Callable[..., Tensor]


def change_colours(images: Tensor, settings: AugmentationSettings, generator: Generator) -> Tensor:
    """Blur, change contrast, add noise, and change brightness, hue and saturation, in this order.

    Args:
        images: (B, 3, H, W) in 0..255.
        settings: probabilities and ranges.
        generator: on the device of the images.

    Returns:
        (B, 3, H, W) in 0..255.
    """
    draw = Draw(len(images), generator, images.device)
    sigma = draw.uniform(settings.blur_sigma_px)
    images = _change_some(images, draw.chance(settings.blur_probability), blur, sigma)
    images = (images - 127).mul_(draw.uniform(settings.contrast)).add_(127)
    deviation = 255 * draw.uniform(settings.noise_deviation)
    coloured = draw.chance(settings.noise_per_channel_probability)
    noisy = draw.chance(settings.noise_probability)
    images = _change_some(images, noisy, partial(_add_noise, generator=generator), deviation, coloured)
    images = images.clamp(0, 255).mul_(_brightness(settings, draw)).clamp_(0, 255)
    factors = draw.uniform(settings.hue_saturation), draw.uniform(settings.hue_saturation)
    recoloured = draw.chance(settings.hue_saturation_probability)
    return _change_some(images, recoloured, multiply_hue_and_saturation, *factors)


class Draw:
    """Draw one random number an image, shaped (B, channels, 1, 1).

    Args:
        count: images in the batch (B).
        generator: source of randomness, on `device`.
        device: where the numbers are made.
    """

    def __init__(self, count: int, generator: Generator, device: torch.device) -> None:
        self.count, self.generator, self.device = count, generator, device

    def uniform(self, limits: tuple[float, float], channels: int = 1) -> Tensor:
        """Draw from a uniform distribution."""
        shape = (self.count, channels, 1, 1)
        return torch.rand(shape, generator=self.generator, device=self.device) * (limits[1] - limits[0]) + limits[0]

    def chance(self, probability: float) -> Tensor:
        """Draw True with a probability."""
        return self.uniform((0.0, 1.0)) < probability


def blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each image by a Gaussian of its own; a sigma of 0 changes nothing.

    Args:
        images: (B, C, H, W).
        sigma_px: (B, 1, 1, 1), at most about 1.
    """
    distance = torch.arange(BLUR_RADIUS_PX + 1, device=images.device)
    weights = torch.exp(-0.5 * (distance / sigma_px.view(-1, 1).clamp(min=1e-3)) ** 2)
    weights = weights / (2 * weights.sum(dim=1, keepdim=True) - weights[:, :1])
    for axis in (2, 3):
        images = _convolve(images, weights, axis)
    return images


def multiply_hue_and_saturation(images: Tensor, hue: Tensor, saturation: Tensor) -> Tensor:
    """Multiply the hue (in 0..1, wrapping round) and the saturation of each image.

    Args:
        images: (B, 3, H, W) in 0..255.
        hue: factor of each image, (B, 1, 1, 1).
        saturation: factor of each image, (B, 1, 1, 1).
    """
    value = images.amax(dim=1, keepdim=True)
    chroma = value - images.amin(dim=1, keepdim=True)
    new_hue = _hue(images, value, chroma) * hue % 1.0
    new_chroma = value * (chroma / value.clamp(min=1e-6) * saturation).clamp(0, 1)
    # f(n) = V - C * max(0, min(k, 4 - k, 1)) with k = (n + 6 h) mod 6 turns hue, chroma and value into R, G, B.
    steps = torch.tensor([5.0, 3.0, 1.0], device=images.device).view(1, 3, 1, 1)
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


def _change_some(images: Tensor, chosen: Tensor, change: Change, *parameters: Tensor) -> Tensor:
    """Change the chosen images (B, 1, 1, 1) by a function of images and parameters, one of each an image.

    On a GPU all are changed and the chosen ones kept, since counting them would stop the host; a CPU changes fewer.
    """
    if images.device.type != "cpu":
        return torch.where(chosen, change(images, *parameters), images)
    rows = chosen.flatten().nonzero()[:, 0]
    return images.index_copy(0, rows, change(images[rows], *(parameter[rows] for parameter in parameters)))


def _add_noise(images: Tensor, deviation: Tensor, coloured: Tensor, generator: Generator) -> Tensor:
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return images + torch.where(coloured, noise, noise[:, :1]).mul_(deviation)


def _brightness(settings: AugmentationSettings, draw: Draw) -> Tensor:
    coloured = draw.uniform(settings.brightness, channels=3)
    return torch.where(draw.chance(settings.brightness_per_channel_probability), coloured, coloured[:, :1])


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
