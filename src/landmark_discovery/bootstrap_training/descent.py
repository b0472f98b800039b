"""The loop that MagicPoint and the joint training train by, which a killed run goes on with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from tqdm import tqdm

from landmark_discovery.config.bootstrap_training import DescentSettings
from landmark_discovery.errors import UserError
from landmark_discovery.models.superpoint import NormalisedSuperPoint
from landmark_discovery.training.checkpoints import Checkpoint
from landmark_discovery.training.optimizers import (
    LOG_EVERY,
    cosine_factor,
    optimizer_tensors,
    restore_optimizer,
    warmup_factor,
)
from landmark_discovery.training.saver import NO_SAVER, Saver

Row = dict[str, float]
# Draws a batch with a generator, and gives its losses by name; their sum is minimised.
Losses = Callable[[NormalisedSuperPoint, Generator], dict[str, Tensor]]


@dataclass(frozen=True)
class History:
    """Tell how a training went.

    Attributes:
        rows: iteration, learning rate and mean losses since the row before.
        seconds: that it trained, those before a stop included.
    """

    rows: list[Row]
    seconds: float


@dataclass
class Descent:
    """Hold what a training changes: the network, its optimiser, the generator and the rows of its log."""

    network: NormalisedSuperPoint
    optimizer: AdamW
    generator: Generator
    iteration: int = 0
    log: list[Row] = field(default_factory=list)
    seconds_before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Give the seconds trained so far, those before a stop included."""
        return self.seconds_before + time.monotonic() - self.started

    def checkpoint(self) -> Checkpoint:
        """Give the whole state."""
        weights = {f"weights.{name}": value for name, value in self.network.state_dict().items()}
        tensors = weights | {"random": self.generator.get_state()} | optimizer_tensors(self.optimizer)
        facts = {"order": self.iteration, "iteration": self.iteration, "log": self.log, "seconds": self.seconds}
        return Checkpoint(tensors, facts)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over a state that `checkpoint` gave."""
        self.network.load_state_dict(
            {name: checkpoint.tensors[f"weights.{name}"] for name in self.network.state_dict()}
        )
        restore_optimizer(self.optimizer, checkpoint.tensors)
        self.generator.set_state(checkpoint.tensors["random"])
        self.iteration, self.log = int(checkpoint.facts["iteration"]), list(checkpoint.facts["log"])
        self.seconds_before = float(checkpoint.facts["seconds"])


def descend(
    network: NormalisedSuperPoint,
    losses: Losses,
    settings: DescentSettings,
    generator: Generator,
    title: str,
    saver: Saver = NO_SAVER,
) -> History:
    """Train a network in place.

    Args:
        network: on its device, with its convolutions channels last.
        losses: draws a batch and gives its losses.
        settings: of the optimiser.
        generator: draws the batches; its device is the network's.
        title: of the progress bar.
        saver: keeps checkpoints; from the newest one the training goes on.

    Raises:
        UserError: a loss is no number.
        Interrupted: the saver says stop; the state is saved.
    """
    optimizer = AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    state = Descent(network.train(), optimizer, generator)
    latest = saver.latest()
    if latest is not None:
        state.restore(latest)
    recent: list[dict[str, Tensor]] = []
    for _ in tqdm(range(state.iteration, settings.iterations), title, unit="it"):
        recent.append(_step(state, losses, settings))
        if state.iteration % LOG_EVERY == 0 or state.iteration == settings.iterations:
            state.log.append(_row(state, recent))
            recent = []
        # Only where the log has all that went before, so that a resumed run logs the same means.
        if not recent:
            saver.after_step(state.iteration, state.checkpoint)
    return History(state.log, state.seconds)


def learning_rate(iteration: int, settings: DescentSettings) -> float:
    """Give the learning rate at an iteration (from 0): a linear growth times a cosine to zero."""
    growth = warmup_factor(iteration, settings.warmup_iterations)
    return settings.learning_rate * growth * cosine_factor(iteration, settings.iterations)


def _step(state: Descent, losses: Losses, settings: DescentSettings) -> dict[str, Tensor]:
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(state.iteration, settings)
    parts = losses(state.network, state.generator)
    state.optimizer.zero_grad(set_to_none=True)
    torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
    clip_grad_norm_(state.network.parameters(), settings.max_gradient_norm)
    state.optimizer.step()
    state.iteration += 1
    return {name: value.detach() for name, value in parts.items()}


def _row(state: Descent, recent: Sequence[Mapping[str, Tensor]]) -> Row:
    means = {name: float(torch.stack([one[name] for one in recent]).mean()) for name in recent[0]}
    wrong = [name for name, value in means.items() if not math.isfinite(value)]
    if wrong:
        raise UserError(
            f"the {wrong[0]} is {means[wrong[0]]} before iteration {state.iteration}",
            where="bootstrap training",
            remedy="lower its descent.learning_rate, or take precision: float32",
        )
    return {"iteration": state.iteration, "learning_rate": state.optimizer.param_groups[0]["lr"], **means}


def facts_of(log: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Give the last row of a log without its iteration and rate, rounded for a record."""
    return {name: round(float(v), 5) for name, v in log[-1].items() if name not in ("iteration", "learning_rate")}
