"""A batch that goes forward and backward through a network in parts, each in a thread of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from landmark_discovery.training.workers import Workers

Maps = tuple[Tensor, ...]
# Cuts a long tensor into parameters, by name.
ViewsOf = Callable[[Tensor], Mapping[str, Tensor]]


class PartedNetwork:
    """Run a network on batches whose images don't depend on each other, a part a thread.

    Args:
        network: whose parameters are views of the long tensors.
        values: the long tensors.
        views_of: for each of them, how it and its gradient are cut into parameters, by name.
        workers: the threads.
    """

    def __init__(
        self, network: nn.Module, values: Sequence[Tensor], views_of: Sequence[ViewsOf], workers: Workers
    ) -> None:
        self.network, self.values, self.workers = network, values, workers
        self.twins = [_Twin(network, values, views_of) for _ in range(workers.count)]

    def __call__(self, images: Tensor) -> Maps:
        """Map images (B, 3, S, S) to the network's maps; gradients are summed in the order of the parts."""
        maps: Maps = _InParts.apply(self, images, *self.values)  # type: ignore[no-untyped-call]
        return maps


class _Twin:
    """Hold the network once more for one thread: the same numbers, and gradients of its own.

    Its parameters' gradients are added up where they lie in long tensors of its own.
    """

    def __init__(self, network: nn.Module, values: Sequence[Tensor], views_of: Sequence[ViewsOf]) -> None:
        self.network = copy.deepcopy(network)
        self.gradients = [torch.zeros_like(value.detach()) for value in values]
        parameters = dict(self.network.named_parameters())
        for views, value, gradient in zip(views_of, values, self.gradients, strict=True):
            numbers, of_numbers = views(value.detach()), views(gradient)
            for name, view in numbers.items():
                parameters[name].data, parameters[name].grad = view, of_numbers[name]

    def forward(self, images: Tensor, training: bool) -> Maps:
        """Run the network and keep what its gradient needs."""
        with torch.enable_grad():
            maps: Maps = self.network.train(training)(images)
        return maps

    def backward(self, maps: Maps, of_maps: Sequence[Tensor]) -> list[Tensor]:
        """Give the gradients of the long tensors, until the next call."""
        for gradient in self.gradients:
            gradient.zero_()
        torch.autograd.backward(maps, of_maps)
        return self.gradients


class _InParts(Function):
    """Make the parts one operation of the batch's graph."""

    @staticmethod
    def forward(ctx: Any, parted: PartedNetwork, images: Tensor, *_: Tensor) -> Maps:  # noqa: ANN401
        ctx.parted, ctx.slices = parted, parted.workers.parts(len(images))
        training = parted.network.training

        def forward(part: int) -> Maps:
            return parted.twins[part].forward(images[ctx.slices[part]], training)

        ctx.maps = parted.workers.map(forward, range(len(ctx.slices)))
        return tuple(torch.cat([part.detach() for part in parts]) for parts in zip(*ctx.maps, strict=True))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *of_maps: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        def backward(part: int) -> list[Tensor]:
            own = [whole[ctx.slices[part]] for whole in of_maps]
            gradients: list[Tensor] = ctx.parted.twins[part].backward(ctx.maps[part], own)
            return gradients

        of_parts = ctx.parted.workers.map(backward, range(len(ctx.slices)))
        ctx.maps = None
        # The twins' own are overwritten by the next step.
        return (None, None, *(sum(others, first.clone()) for first, *others in zip(*of_parts, strict=True)))
