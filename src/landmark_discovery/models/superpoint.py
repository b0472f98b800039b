"""The SuperPoint network (DeTone, Malisiewicz, Rabinovich 2018), with its original parameter names."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

CELL_PX = 8
SCORE_CHANNELS = CELL_PX * CELL_PX + 1
DESCRIPTOR_DIM = 256
# Each convolution that a rectifier follows.
NORMALISED_LAYERS = (*(f"conv{level}{half}" for level in "1234" for half in "ab"), "convPa", "convDa")


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
        logits = self.convPb(self._layer("convPa", features))
        descriptors = self.convDb(self._layer("convDa", features))
        return logits, functional.normalize(descriptors, dim=1)

    def _encode(self, grey: Tensor) -> Tensor:
        features = grey
        for level in "1234":
            if level > "1":
                features = functional.max_pool2d(features, kernel_size=2)
            features = self._layer(f"conv{level}b", self._layer(f"conv{level}a", features))
        return features

    def _layer(self, name: str, features: Tensor) -> Tensor:
        return functional.relu(self.get_submodule(name)(features))


class NormalisedSuperPoint(SuperPoint):
    """Train SuperPoint with batch normalisation before each rectifier, which `folded` takes into the convolutions.

    The network without it is the same function of an image as this one in eval mode; only training is easier.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleDict({name: nn.BatchNorm2d(_channels_out(self, name)) for name in NORMALISED_LAYERS})

    def folded(self) -> SuperPoint:
        """Give the network whose convolutions do what these and their normalisations do in eval mode."""
        trained = copy.deepcopy(self).eval()
        plain = SuperPoint().eval()
        parameters = {name: value for name, value in trained.state_dict().items() if not name.startswith("norms.")}
        plain.load_state_dict(parameters)
        for name in NORMALISED_LAYERS:
            convolution, norm = trained.get_submodule(name), trained.norms[name]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(plain, name, fuse_conv_bn_eval(convolution, norm))
        return plain

    def _layer(self, name: str, features: Tensor) -> Tensor:
        return functional.relu(self.norms[name](self.get_submodule(name)(features)))


def _channels_out(network: SuperPoint, name: str) -> int:
    return int(network.get_parameter(f"{name}.bias").shape[0])


def score_map(logits: Tensor) -> Tensor:
    """Turn logits (B, 65, h, w) into the probability of a keypoint at every pixel, (B, 8h, 8w)."""
    probabilities = torch.softmax(logits, dim=1)[:, :-1]
    return functional.pixel_shuffle(probabilities, CELL_PX)[:, 0]
