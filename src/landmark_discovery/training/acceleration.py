"""Whether and how a step runs near the hardware."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Generator

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.models.layout import channels_last
from landmark_discovery.training.captured import CapturedStep
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.runtime import accelerated
from landmark_discovery.training.weights import TrainedWeights

Result = TypeVar("Result")


def use_fused_layers(network: HourglassNetwork, settings: ModelSettings, fast: bool, device: torch.device) -> None:
    """Let Triton kernels compute between the convolutions, where they can: they need powers of two."""
    if accelerated(fast, device) and all(_is_power_of_two(count) for count in (settings.width, settings.norm_groups)):
        from landmark_discovery.models.fused import FusedLayers

        network.use_layers(FusedLayers())


def network_on(device: torch.device, trained: TrainedWeights, fast: bool) -> HourglassNetwork:
    """Move a trained network to the device on which it finds landmarks."""
    network = channels_last(trained.network.to(device))
    use_fused_layers(network, trained.model, fast, device)
    return network


def recorded(
    step: Callable[[RawBatch], Result], generator: Generator, fast: bool, device: torch.device
) -> Callable[[RawBatch], Result]:
    """Give the step as a graph that the GPU replays, or as it is."""
    return CapturedStep(step, generator) if accelerated(fast, device) else step


def _is_power_of_two(count: int) -> bool:
    return count & (count - 1) == 0
