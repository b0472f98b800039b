"""What stands between the convolutions of the network, in plain PyTorch: the reference for `models.fused`.

Layers whose input goes on to another place give it back beside their result, so that a fused form can add the two
gradients that meet there where it computes one of them.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class Layers(Protocol):
    """Compute what stands between the convolutions."""

    def stem(self, images: Tensor, convolution: nn.Conv2d) -> Tensor:
        """Convolve images (N, 3, S, S) by a square that reaches half its side beyond the edge, with a bias."""
        ...

    def norm_relu(self, features: Tensor, norm: nn.GroupNorm) -> tuple[Tensor, Tensor]:
        """Give ReLU of the normalised features (N, C, H, W), and the features."""
        ...

    def concatenate_add(self, first: Tensor, second: Tensor, third: Tensor, shortcut: Tensor) -> Tensor:
        """Concatenate C / 2, C / 4 and C / 4 channels and add the shortcut, (N, C, H, W)."""
        ...

    def pointwise(self, features: Tensor, convolution: nn.Conv2d) -> Tensor:
        """Convolve by 1 x 1 pixel, with a bias."""
        ...

    def average_pool(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Give the means of 2 x 2 pixels, and the features."""
        ...

    def upsample_add(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Repeat each pixel of the lower features (N, C, H / 2, W / 2) four times and add the upper ones."""
        ...


class PlainLayers:
    """Compute with PyTorch's own operations, on any device."""

    def stem(self, images: Tensor, convolution: nn.Conv2d) -> Tensor:
        """Convolve images (N, 3, S, S) by a square that reaches half its side beyond the edge, with a bias."""
        result: Tensor = convolution(images)
        return result

    def norm_relu(self, features: Tensor, norm: nn.GroupNorm) -> tuple[Tensor, Tensor]:
        """Give ReLU of the normalised features (N, C, H, W), and the features."""
        return F.relu(norm(features)), features

    def concatenate_add(self, first: Tensor, second: Tensor, third: Tensor, shortcut: Tensor) -> Tensor:
        """Concatenate C / 2, C / 4 and C / 4 channels and add the shortcut, (N, C, H, W)."""
        return torch.cat([first, second, third], dim=1) + shortcut

    def pointwise(self, features: Tensor, convolution: nn.Conv2d) -> Tensor:
        """Convolve by 1 x 1 pixel, with a bias."""
        result: Tensor = convolution(features)
        return result

    def average_pool(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Give the means of 2 x 2 pixels, and the features."""
        return F.avg_pool2d(features, 2), features

    def upsample_add(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Repeat each pixel of the lower features (N, C, H / 2, W / 2) four times and add the upper ones."""
        return upper + F.interpolate(lower, scale_factor=2, mode="nearest")


PLAIN = PlainLayers()
