"""The hourglass network with group normalisation (method, section 3).

Hourglass: Newell, Yang, Deng 2016; its blocks: Bulat, Tzimiropoulos 2017.

Parameter names are those of the authors' checkpoints, so that their files load without a translation table.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from landmark_discovery.models.layers import PLAIN, Layers


class Block(nn.Module):
    """Three pre-activation convolutions whose outputs are concatenated and added to the input.

    Args:
        inputs: channels in.
        outputs: channels out; a multiple of 4.
        groups: groups of each group normalisation.
    """

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.layers: Layers = PLAIN
        half, quarter = outputs // 2, outputs // 4
        self.bn1 = nn.GroupNorm(groups, inputs)
        self.conv1 = nn.Conv2d(inputs, half, 3, padding=1, bias=False)
        self.bn2 = nn.GroupNorm(groups, half)
        self.conv2 = nn.Conv2d(half, quarter, 3, padding=1, bias=False)
        self.bn3 = nn.GroupNorm(groups, quarter)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.downsample: nn.Sequential | None = None
        if inputs != outputs:
            self.downsample = nn.Sequential(
                nn.GroupNorm(groups, inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False)
            )

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        activated, features = self.layers.norm_relu(features, self.bn1)
        activated, first = self.layers.norm_relu(self.conv1(activated), self.bn2)
        activated, second = self.layers.norm_relu(self.conv2(activated), self.bn3)
        return self.layers.concatenate_add(first, second, self.conv3(activated), self._shortcut(features))

    def _shortcut(self, features: Tensor) -> Tensor:
        if self.downsample is None:
            return features
        activated, _ = self.layers.norm_relu(features, _norm(self.downsample[0]))
        shortcut: Tensor = self.downsample[2](activated)
        return shortcut


class Hourglass(nn.Module):
    """Pool `depth` times and come back up, adding what each level knew on the way down.

    Args:
        depth: levels.
        channels: channels throughout.
        groups: groups of each group normalisation.
        unused_blocks: add the b4 blocks, which stand in the authors' files and are never used.
    """

    def __init__(self, depth: int, channels: int, groups: int, unused_blocks: bool = False) -> None:
        super().__init__()
        self.layers: Layers = PLAIN
        self.depth = depth
        for level in range(depth, 0, -1):
            for branch in ("b1", "b2", "b3", "b4") if unused_blocks else ("b1", "b2", "b3"):
                self.add_module(f"{branch}_{level}", Block(channels, channels, groups))
        self.add_module("b2_plus_1", Block(channels, channels, groups))

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        return self._level(self.depth, features)

    def _level(self, level: int, features: Tensor) -> Tensor:
        pooled, features = self.layers.average_pool(features)
        upper = self._branch(f"b1_{level}", features)
        lower = self._branch(f"b2_{level}", pooled)
        lower = self._level(level - 1, lower) if level > 1 else self._branch("b2_plus_1", lower)
        return self.layers.upsample_add(upper, self._branch(f"b3_{level}", lower))

    def _branch(self, name: str, features: Tensor) -> Tensor:
        result: Tensor = self.get_submodule(name)(features)
        return result


class HourglassNetwork(nn.Module):
    """Stem, one hourglass, and numbered heads on its output.

    Args:
        heads: channels of each head by its number. Stage 1: {0: 1, 1: descriptor length}; stage 2: {1: landmarks}.
        width: channels of the hourglass (256 in the paper).
        depth: levels of the hourglass.
        groups: groups of each group normalisation; divides width / 8.
        unused_blocks: add the blocks that only the authors' files need (8,396,545 parameters in stage 1, with them).
    """

    def __init__(
        self,
        heads: Mapping[int, int],
        width: int = 256,
        depth: int = 4,
        groups: int = 32,
        unused_blocks: bool = False,
    ) -> None:
        super().__init__()
        self.layers: Layers = PLAIN
        self.head_numbers = tuple(sorted(heads))
        # Scores and heatmaps, whose highest cells count; what stands beside scores are descriptors.
        self.score_heads = frozenset({0} if 0 in heads else heads)
        self.conv1 = nn.Conv2d(3, width // 4, 7, stride=2, padding=3)
        self.bn1 = nn.GroupNorm(groups, width // 4)
        self.conv2 = Block(width // 4, width // 2, groups)
        self.conv3 = Block(width // 2, width // 2, groups)
        self.conv4 = Block(width // 2, width, groups)
        self.m0 = Hourglass(depth, width, groups, unused_blocks)
        for number in self.head_numbers:
            self.add_module(f"top_m_{number}", Block(width, width, groups))
            self.add_module(f"conv_last{number}", nn.Conv2d(width, width, 1))
            self.add_module(f"bn_end{number}", nn.GroupNorm(groups, width))
            self.add_module(f"l{number}", nn.Conv2d(width, heads[number], 1))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, S, S) in [0, 1] to one raw map (B, channels, S / 4, S / 4) a head, lowest number first."""
        features, _ = self.layers.norm_relu(self.layers.stem(images, self.conv1), self.bn1)
        features, _ = self.layers.average_pool(self.conv2(features))
        features = self.m0(self.conv4(self.conv3(features)))
        return tuple(self._head(number, features) for number in self.head_numbers)

    def _head(self, number: int, features: Tensor) -> Tensor:
        block, mix, norm = (self.get_submodule(f"{name}{number}") for name in ("top_m_", "conv_last", "bn_end"))
        mixed = self.layers.pointwise(block(features), _convolution(mix))
        activated, _ = self.layers.norm_relu(mixed, _norm(norm))
        last = self.last_layer(number)
        if number not in self.score_heads:
            return self.layers.pointwise(activated, last)
        if self.training:
            scores: Tensor = last(activated)
            return scores
        # Rounded scores tie, and ties always go to the same side.
        with torch.autocast(features.device.type, enabled=False):
            precise: Tensor = last(activated.float())
        return precise

    def use_layers(self, layers: Layers) -> None:
        """Compute what stands between the convolutions in another way; the weights stay."""
        for module in self.modules():
            if isinstance(module, (Block, Hourglass, HourglassNetwork)):
                module.layers = layers

    def last_layer(self, number: int) -> nn.Conv2d:
        """Give the last convolution of a head."""
        return _convolution(self.get_submodule(f"l{number}"))

    def head_parameters(self) -> list[nn.Parameter]:
        """List the parameters of all heads."""
        prefixes = tuple(f"{name}{n}." for n in self.head_numbers for name in ("top_m_", "conv_last", "bn_end", "l"))
        return [parameter for name, parameter in self.named_parameters() if name.startswith(prefixes)]

    def trunk_parameters(self) -> list[nn.Parameter]:
        """List the parameters of stem and hourglass."""
        heads = {id(parameter) for parameter in self.head_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in heads]


def _norm(module: nn.Module) -> nn.GroupNorm:
    if not isinstance(module, nn.GroupNorm):
        raise TypeError(f"{type(module).__name__} is no group normalisation")
    return module


def _convolution(module: nn.Module) -> nn.Conv2d:
    if not isinstance(module, nn.Conv2d):
        raise TypeError(f"{type(module).__name__} is no convolution")
    return module
