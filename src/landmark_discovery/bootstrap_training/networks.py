"""The trained network: made with seeded weights, moved to a device, run in the arithmetic asked for."""

from __future__ import annotations

import torch
from torch import nn

from landmark_discovery.models.layout import Network, channels_last
from landmark_discovery.models.superpoint import NormalisedSuperPoint


def new_network(seed: int, device: torch.device) -> NormalisedSuperPoint:
    """Make a network with seeded weights (He, Zhang, Ren, Sun 2015), channels last."""
    network = NormalisedSuperPoint()
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return on_device(network, device)


def on_device(network: Network, device: torch.device) -> Network:
    """Move a network to a device, its convolutions channels last, and give it back."""
    return channels_last(network.to(device))


def reduced_precision(precision: str, device: torch.device) -> torch.autocast:
    """Give the context of a forward pass: bfloat16 where it is asked for, on a CPU as well."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
