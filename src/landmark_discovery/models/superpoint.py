"""The SuperPoint network (DeTone, Malisiewicz, Rabinovich 2018), with its original parameter names."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CELL_PX = 8
SCORE_CHANNELS = CELL_PX * CELL_PX + 1
DESCRIPTOR_DIM = 256


def _convolution(channels_in: int, channels_out: int, kernel_size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel_size, padding=kernel_size // 2)


class SuperPoint(nn.Module):
    """Score every pixel as a keypoint, and describe every cell of 8 x 8 pixels.

    A VGG encoder of four pairs of convolutions shrinks the image by 8; one head gives 65 logits a cell (its 64
    pixels in rows, then "no keypoint here"), the other a descriptor. 1,300,865 parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1a = _convolution(1, 64)
        self.conv1b = _convolution(64, 64)
        self.conv2a = _convolution(64, 64)
        self.conv2b = _convolution(64, 64)
        self.conv3a = _convolution(64, 128)
        self.conv3b = _convolution(128, 128)
        self.conv4a = _convolution(128, 128)
        self.conv4b = _convolution(128, 128)
        self.convPa = _convolution(128, 256)
        self.convPb = _convolution(256, SCORE_CHANNELS, kernel_size=1)
        self.convDa = _convolution(128, 256)
        self.convDb = _convolution(256, DESCRIPTOR_DIM, kernel_size=1)

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the network.

        Args:
            grey: images (B, 1, H, W) in [0, 1], H and W at least 8.

        Returns:
            Logits (B, 65, H // 8, W // 8), and descriptors (B, 256, H // 8, W // 8) of length 1.
        """
        features = self._encode(grey)
        logits = self.convPb(functional.relu(self.convPa(features)))
        descriptors = self.convDb(functional.relu(self.convDa(features)))
        return logits, functional.normalize(descriptors, dim=1)

    def _encode(self, grey: Tensor) -> Tensor:
        stages = (
            (self.conv1a, self.conv1b),
            (self.conv2a, self.conv2b),
            (self.conv3a, self.conv3b),
            (self.conv4a, self.conv4b),
        )
        features = grey
        for level, (first, second) in enumerate(stages):
            if level > 0:
                features = functional.max_pool2d(features, kernel_size=2)
            features = functional.relu(second(functional.relu(first(features))))
        return features


def score_map(logits: Tensor) -> Tensor:
    """Turn logits (B, 65, h, w) into the probability of a keypoint at every pixel, (B, 8h, 8w)."""
    probabilities = torch.softmax(logits, dim=1)[:, :-1]
    return functional.pixel_shuffle(probabilities, CELL_PX)[:, 0]
