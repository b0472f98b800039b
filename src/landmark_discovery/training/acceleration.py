"""Whether and how a step runs near the hardware."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Generator

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.captured import CapturedStep
from landmark_discovery.training.feed import RawBatch

Result = TypeVar("Result")


def accelerated(fast: bool, device: torch.device) -> bool:
    """Say whether fused kernels and recorded steps are used: if asked for, on a GPU, with Triton installed."""
    return fast and device.type == "cuda" and importlib.util.find_spec("triton") is not None


def use_fused_layers(network: HourglassNetwork, settings: ModelSettings, fast: bool, device: torch.device) -> None:
    """Let Triton kernels compute between the convolutions, where they can: they need powers of two."""
    if accelerated(fast, device) and all(_is_power_of_two(count) for count in (settings.width, settings.norm_groups)):
        from landmark_discovery.models.fused import FusedLayers

        network.use_layers(FusedLayers())


def recorded(
    step: Callable[[RawBatch], Result], generator: Generator, fast: bool, device: torch.device
) -> Callable[[RawBatch], Result]:
    """Give the step as a graph that the GPU replays, or as it is."""
    return CapturedStep(step, generator) if accelerated(fast, device) else step


def _is_power_of_two(count: int) -> bool:
    return count & (count - 1) == 0
