"""How the weights of a network lie in memory."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def channels_last(network: Network) -> Network:
    """Lay the weights out channels last, in place; convolutions are faster so, on CPU and GPU."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network
