"""The weights of a network as a few long tensors, so that casts, clipping and the optimiser take few operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.parts import PartedNetwork
from landmark_discovery.training.workers import ALONE, Workers


@dataclass(frozen=True)
class _Place:
    """Say where a parameter lies in its long tensor."""

    name: str
    shape: torch.Size

    def view_of(self, values: Tensor) -> Tensor:
        """Give its part of a long tensor its shape; convolutions lie channels last, as their gradients come."""
        if len(self.shape) != 4:
            return values.view(self.shape)
        outputs, inputs, height, width = self.shape
        return values.view(outputs, height, width, inputs).permute(0, 3, 1, 2)


class LongTensor:
    """Hold parameters of one kind one after another; the network's own become views of it.

    Args:
        network: that they belong to.
        names: of its parameters.
    """

    def __init__(self, network: nn.Module, names: Iterable[str]) -> None:
        own = {name: network.get_parameter(name) for name in names}
        self.places = [_Place(name, parameter.shape) for name, parameter in own.items()]
        self.sizes = [parameter.numel() for parameter in own.values()]
        self.values = nn.Parameter(torch.cat([_laid_out(parameter.detach()) for parameter in own.values()]))
        for name, view in self.views(self.values.detach()).items():
            own[name].data = view

    def views(self, values: Tensor) -> dict[str, Tensor]:
        """Cut a tensor as long as this one into the parameters, by name."""
        parts = torch.split(values, self.sizes)
        return {place.name: place.view_of(part) for place, part in zip(self.places, parts, strict=True)}


class TrainedParameters:
    """Hold the parameters that an optimiser trains, and run the network with them.

    Args:
        network: on its device; its own parameters stay current, as views.
        precision: of the run; with bfloat16 on a GPU, all convolutions' weights are rounded at once.
        workers: that share each batch.
    """

    def __init__(self, network: HourglassNetwork, precision: str, workers: Workers = ALONE) -> None:
        self.network = network
        self.rounded = precision == "bfloat16" and next(network.parameters()).is_cuda
        names = {id(parameter): name for name, parameter in network.named_parameters()}
        heads = [names[id(parameter)] for parameter in network.head_parameters()]
        trunk = [names[id(parameter)] for parameter in network.trunk_parameters()]
        self.heads = self._by_kind(heads)
        self.trunk = self._by_kind(trunk)
        cuts = [long.views for long in (*self.heads, *self.trunk)]
        self._parted = PartedNetwork(network, self.all(), cuts, workers) if workers.count > 1 else None

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Run the network on images (B, 3, S, S)."""
        if self._parted is not None:
            return self._parted(images)
        views: dict[str, Tensor] = {}
        for weights, others in (self.heads, self.trunk):
            values = weights.values.to(torch.bfloat16) if self.rounded else weights.values
            views |= weights.views(values) | others.views(others.values)
        result: tuple[Tensor, ...] = functional_call(self.network, views, (images,))
        return result

    def all(self) -> list[nn.Parameter]:
        """List the long tensors."""
        return [long.values for long in (*self.heads, *self.trunk)]

    def _by_kind(self, names: list[str]) -> tuple[LongTensor, LongTensor]:
        """Part convolutions' weights from biases and norms, which stay exact."""
        weights = [name for name in names if self.network.get_parameter(name).ndim == 4]
        others = [name for name in names if self.network.get_parameter(name).ndim != 4]
        return LongTensor(self.network, weights), LongTensor(self.network, others)


def _laid_out(parameter: Tensor) -> Tensor:
    return (parameter.permute(0, 2, 3, 1) if parameter.ndim == 4 else parameter).flatten()
