"""The loop that both stages train by: weights, optimiser, random numbers, learning rate, log and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from landmark_discovery.config.training import OptimizerSettings
from landmark_discovery.errors import UserError
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.optimizers import (
    LOG_EVERY,
    learning_rate_factor,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
    set_learning_rate,
)
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.workers import ALONE, Workers

Loss = TypeVar("Loss")
# Draws the batches of a phase from its generator, without end.
Batches = Callable[[torch.Generator], Iterator[Tensor]]


@dataclass(frozen=True)
class Watch(Generic[Loss]):
    """Say what happens beside the steps.

    Attributes:
        total: gives the number of a loss that must stay finite.
        log: told of the loss and the learning rate, every so many steps and at the end.
        after_step: called after each step, for what saves and stops.
        keep: given the batch whose loss is no number; says where it is kept.
    """

    total: Callable[[Loss], Tensor]
    log: Callable[[Loss, float], None]
    after_step: Callable[[], None] = lambda: None
    keep: Callable[[RawBatch], str] = lambda _: ""


class Learner:
    """Hold what a training changes, and take its steps.

    A phase is a stretch of steps whose batches come from one iterator; the generator's state at its start and the
    number of steps taken since say where in it the training stands.

    Args:
        network: on its device.
        optimizer: settings of the optimiser.
        precision: of the run.
        randomness: of the views, the same in all processes.
        seed: of the order of the images.
        workers: that share each batch.
    """

    def __init__(
        self,
        network: HourglassNetwork,
        optimizer: OptimizerSettings,
        precision: str,
        randomness: Randomness,
        seed: int,
        workers: Workers = ALONE,
    ) -> None:
        self.network, self.settings, self.randomness = network, optimizer, randomness
        self.parameters = TrainedParameters(network, precision, workers)
        self.optimizer = make_optimizer(self.parameters, optimizer)
        self.order = generator_on(torch.device("cpu"), seed, stream=1)
        self.iteration, self._phase_start = 0, 0
        self._phase_order = self.order.get_state()

    def start_phase(self) -> None:
        """Begin a phase: its batches are drawn from the state that the generator has now."""
        self._phase_start, self._phase_order = self.iteration, self.order.get_state()

    def batches(self, draw: Batches, until: int) -> Iterator[Tensor]:
        """Give the batches of this phase that are still to be trained on before iteration `until`."""
        self.order.set_state(self._phase_order)
        return islice(draw(self.order), self.iteration - self._phase_start, until - self._phase_start)

    def train(
        self,
        step: Callable[[RawBatch], Loss],
        batches: Iterable[RawBatch],
        until: int,
        iterations: int,
        watch: Watch[Loss],
        title: str,
    ) -> None:
        """Take the steps up to an iteration.

        Args:
            step: trains on a batch and gives its loss.
            batches: of the phase, as `batches` chose them.
            until: iteration to stop before.
            iterations: of the whole schedule of the learning rate.
            watch: what happens beside the steps.
            title: of the progress bar.
        """
        for batch in tqdm(batches, title, until - self.iteration, unit="it", leave=False):
            factor = learning_rate_factor(self.iteration, iterations, self.settings)
            set_learning_rate(self.optimizer, factor)
            loss = step(batch)
            self.iteration += 1
            self._check(watch, loss, batch, until)
            if self.iteration % LOG_EVERY == 0 or self.iteration == until:
                watch.log(loss, factor * self.settings.learning_rate)
            watch.after_step()

    def _check(self, watch: Watch[Loss], loss: Loss, batch: RawBatch, until: int) -> None:
        """Stop where the loss is no number; on a GPU at every reading of the log, since asking stops the host."""
        total = watch.total(loss)
        if (total.is_cuda and self.iteration % LOG_EVERY and self.iteration != until) or bool(torch.isfinite(total)):
            return
        late = f", begun up to {LOG_EVERY - 1} before" if total.is_cuda else ""
        raise UserError(
            f"the loss is {float(total)} at iteration {self.iteration}{late}{watch.keep(batch)}",
            where="training",
            remedy="lower the optimizer's learning_rate, set its max_gradient_norm, or take precision: float32; "
            "the last checkpoint before it stays",
        )

    def tensors(self) -> dict[str, Tensor]:
        """Give the whole state, by name."""
        weights = {f"weights.{number}": value.detach() for number, value in enumerate(self.parameters.all())}
        generators = {"random.views": self.randomness.generator.get_state(), "random.order": self._phase_order}
        return weights | generators | optimizer_tensors(self.optimizer)

    def facts(self) -> dict[str, int]:
        """Give the place in the schedule."""
        return {"iteration": self.iteration, "phase_start": self._phase_start}

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Take over a state that `tensors` and `facts` gave."""
        with torch.no_grad():
            for number, value in enumerate(self.parameters.all()):
                value.copy_(tensors[f"weights.{number}"])
        restore_optimizer(self.optimizer, tensors)
        self.randomness.generator.set_state(tensors["random.views"])
        self._phase_order = tensors["random.order"]
        self.iteration, self._phase_start = int(facts["iteration"]), int(facts["phase_start"])
