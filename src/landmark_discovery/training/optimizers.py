"""Optimisers, and their learning rate over the iterations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer, RMSprop

from landmark_discovery.config.training import OptimizerSettings
from landmark_discovery.training.parameters import LongTensor, TrainedParameters
from landmark_discovery.training.processes import Processes

# Reading a loss stops the host until a GPU has caught up, so that it isn't done each iteration.
LOG_EVERY = 20


def make_optimizer(parameters: TrainedParameters, settings: OptimizerSettings) -> Optimizer:
    """Make the optimiser, with one group of parameters for the heads and one for the trunk."""
    groups = [
        _group(parameters.heads, settings.learning_rate),
        _group(parameters.trunk, settings.learning_rate * settings.trunk_learning_rate_factor),
    ]
    on_gpu = parameters.all()[0].is_cuda
    if settings.name == "adamw":
        return AdamW(groups, weight_decay=settings.weight_decay, capturable=on_gpu, fused=on_gpu)
    return RMSprop(groups, alpha=0.99, eps=1e-8, weight_decay=settings.weight_decay, capturable=on_gpu)


def learning_rate_factor(iteration: int, iterations: int, settings: OptimizerSettings) -> float:
    """Give the factor on the learning rate at an iteration (from 0) of a run of so many iterations."""
    growth = warmup_factor(iteration, settings.warmup_iterations)
    if settings.schedule == "steps":
        return growth * settings.decay ** sum(iteration >= milestone for milestone in settings.milestones)
    return growth * (settings.decay + (1 - settings.decay) * cosine_factor(iteration, iterations))


def warmup_factor(iteration: int, warmup_iterations: int) -> float:
    """Give the factor on the learning rate that grows linearly over the first iterations (from 0); 1 without any."""
    return min(1.0, (iteration + 1) / warmup_iterations) if warmup_iterations else 1.0


def cosine_factor(iteration: int, iterations: int) -> float:
    """Give the factor on the learning rate that falls from 1 to 0 along half a cosine over so many iterations."""
    return 0.5 * (1 + math.cos(math.pi * (iteration / max(1, iterations))))


def set_learning_rate(optimizer: Optimizer, factor: float) -> None:
    """Set each group's learning rate to its initial one times a factor, in place where it is a tensor."""
    for group in optimizer.param_groups:
        rate = group["initial_lr"] * factor
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Give the optimiser's memory of past gradients, by names such as "optimizer.0.exp_avg"."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{number}.{name}": value for number, one in state.items() for name, value in one.items()}


def restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Take over what `optimizer_tensors` gave, among other tensors; rates stay as they are."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "optimizer":
            number, _, name = rest.partition(".")
            state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def descend(
    loss: Tensor, parameters: TrainedParameters, optimizer: Optimizer, settings: OptimizerSettings, processes: Processes
) -> None:
    """Take one step down the gradient of a loss, averaged over the processes, clipped where the settings say so."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    processes.average([parameter.grad for parameter in parameters.all() if parameter.grad is not None])
    if settings.max_gradient_norm is not None:
        clip_grad_norm_(parameters.all(), settings.max_gradient_norm)
    optimizer.step()


def _group(tensors: Iterable[LongTensor], learning_rate: float) -> dict[str, object]:
    """Make a group; on a GPU the rate is a tensor, so that a recorded step sees it change."""
    values = [tensor.values for tensor in tensors]
    device = values[0].device
    rate = torch.tensor(learning_rate, device=device) if device.type == "cuda" else learning_rate
    return {"params": values, "lr": rate, "initial_lr": learning_rate}
