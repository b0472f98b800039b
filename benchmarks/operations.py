"""What the network's convolutions must compute and move, counted exactly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.training.weights import build_network


@dataclass(frozen=True)
class Work:
    """Hold the work of the convolutions for one image.

    Attributes:
        forward_operations: floating-point operations, a multiplication and an addition being two.
        backward_operations: of the gradients of weights and inputs; the image itself gets none.
        forward_values: numbers that convolutions read and write, each input and output once.
        backward_values: likewise, by both gradients.
    """

    forward_operations: int
    backward_operations: int
    forward_values: int
    backward_values: int

    @property
    def operations(self) -> int:
        """Count those of a training step."""
        return self.forward_operations + self.backward_operations

    @property
    def values(self) -> int:
        """Count those of a training step."""
        return self.forward_values + self.backward_values


def stage1_work(settings: ModelSettings) -> Work:
    """Count the work of the network of stage 1 on one image."""
    with torch.device("meta"):
        network = build_network(settings, 1, 1)
        image = torch.empty(1, 3, settings.input_size_px, settings.input_size_px)
    return count_work(network, image)


def count_work(network: nn.Module, image: Tensor) -> Work:
    """Count the work of a network on one image (1, 3, S, S), by a hook on each convolution.

    The plain layers must be in use: fused ones compute some convolutions as something else.
    """
    counted: list[tuple[int, int, int]] = []

    def note(convolution: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(convolution, nn.Conv2d):
            counted.append((2 * output.numel() * convolution.weight[0].numel(), inputs[0].numel(), output.numel()))

    hooks = [module.register_forward_hook(note) for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        network(image)
    for hook in hooks:
        hook.remove()
    operations = sum(operations for operations, _, _ in counted)
    read, written = sum(inputs for _, inputs, _ in counted), sum(outputs for _, _, outputs in counted)
    first_operations, first_read, first_written = counted[0]
    return Work(
        forward_operations=operations,
        # Each gradient costs as much as the convolution itself; the first convolution's input needs none.
        backward_operations=2 * operations - first_operations,
        forward_values=read + written,
        backward_values=2 * (read + written) - first_read - first_written,
    )
