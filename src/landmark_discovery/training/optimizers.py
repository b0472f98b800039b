"""Optimisers, and their learning rate over the iterations."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer, RMSprop

from landmark_discovery.config.training import OptimizerSettings
from landmark_discovery.models.hourglass import HourglassNetwork

# Reading a loss stops the host until a GPU has caught up, so that it isn't done each iteration.
LOG_EVERY = 20


def make_optimizer(network: HourglassNetwork, settings: OptimizerSettings) -> Optimizer:
    """Make the optimiser, with one group of parameters for the heads and one for the trunk."""
    groups = [
        _group(network.head_parameters(), settings.learning_rate),
        _group(network.trunk_parameters(), settings.learning_rate * settings.trunk_learning_rate_factor),
    ]
    if settings.name == "adamw":
        return AdamW(groups, weight_decay=settings.weight_decay)
    return RMSprop(groups, alpha=0.99, eps=1e-8, weight_decay=settings.weight_decay)


def learning_rate_factor(iteration: int, iterations: int, settings: OptimizerSettings) -> float:
    """Give the factor on the learning rate at an iteration (from 0) of a run of so many iterations."""
    growth = min(1.0, (iteration + 1) / settings.warmup_iterations) if settings.warmup_iterations else 1.0
    if settings.schedule == "steps":
        return growth * settings.decay ** sum(iteration >= milestone for milestone in settings.milestones)
    progress = iteration / max(1, iterations)
    return growth * (settings.decay + (1 - settings.decay) * 0.5 * (1 + math.cos(math.pi * progress)))


def set_learning_rate(optimizer: Optimizer, factor: float) -> None:
    """Set each group's learning rate to its initial one times a factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor


def descend(loss: Tensor, network: HourglassNetwork, optimizer: Optimizer, settings: OptimizerSettings) -> None:
    """Take one step down the gradient of a loss, clipped where the settings say so."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if settings.max_gradient_norm is not None:
        clip_grad_norm_(network.parameters(), settings.max_gradient_norm)
    optimizer.step()


def _group(parameters: Iterable[nn.Parameter], learning_rate: float) -> dict[str, object]:
    return {"params": list(parameters), "lr": learning_rate, "initial_lr": learning_rate}
