"""Stage 2: an ordinary landmark detector, trained on the pseudo-ground-truth (method, section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Generator, Tensor

from landmark_discovery.config.schema import Config
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.models.layout import channels_last
from landmark_discovery.training.acceleration import recorded, use_fused_layers
from landmark_discovery.training.checkpoints import Checkpoint
from landmark_discovery.training.feed import RawBatch, feed
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.learner import Learner, Watch
from landmark_discovery.training.processes import SINGLE, Processes
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.sampler import row_batches
from landmark_discovery.training.saver import NO_SAVER, Saver
from landmark_discovery.training.stage2_step import make_batch, training_step
from landmark_discovery.training.targets import LandmarkTargets, found_points, learnt_shape, targets_at
from landmark_discovery.training.weights import build_network


@dataclass(frozen=True)
class Stage2Result:
    """Hold what stage 2 leaves: the network, the log, and the shape of the landmarks where it is asked for."""

    network: HourglassNetwork
    log: list[dict[str, float]]
    prior: ShapePrior | None


def train_stage2(
    images: StoredImages,
    targets: LandmarkTargets,
    stage1_network: HourglassNetwork,
    config: Config,
    on_log: Callable[[dict[str, float]], None] = lambda _: None,
    processes: Processes = SINGLE,
    saver: Saver = NO_SAVER,
) -> Stage2Result:
    """Train a heatmap a landmark, starting from the weights of stage 1.

    Args:
        images: all stored images, on the device that trains.
        targets: what to learn.
        stage1_network: its trunk and descriptor head are copied; its last layer is replaced.
        config: seed, num_landmarks, precision, deterministic, fast, model, augmentation and stage2 count.
        on_log: told of each row of the log.
        processes: that train together.
        saver: keeps checkpoints; from the newest of them the training goes on.

    Raises:
        Interrupted: the training was asked to stop; its state is saved.
    """
    trainer = _Trainer(images, targets, stage1_network, config, on_log, processes, saver)
    trainer.go_on()
    with arithmetic(config.precision, images.device, deterministic=config.deterministic):
        trainer.train()
        while trainer.generation + 1 < config.stage2.generations:
            trainer.start_generation()
            trainer.train()
    return Stage2Result(trainer.network.eval(), trainer.log, trainer.shape())


class _Trainer:
    """Hold what changes while stage 2 trains."""

    def __init__(
        self,
        images: StoredImages,
        targets: LandmarkTargets,
        stage1_network: HourglassNetwork,
        config: Config,
        on_log: Callable[[dict[str, float]], None],
        processes: Processes,
        saver: Saver,
    ) -> None:
        self.images, self.given, self.config = images, targets, config
        self.stage1_network, self.on_log, self.processes, self.saver = stage1_network, on_log, processes, saver
        self.log: list[dict[str, float]] = []
        self._start(0, targets)

    def _start(self, generation: int, targets: LandmarkTargets) -> None:
        """Begin a generation anew, from the weights of stage 1."""
        config, device = self.config, self.images.device
        self.generation, self.targets = generation, targets
        self.network = landmark_network(self.stage1_network, config).to(device)
        use_fused_layers(self.network, config.model, config.fast, device)
        randomness = Randomness(generator_on(device, config.seed), self.processes.share)
        settings, workers = config.stage2.optimizer, self.images.workers
        self.learner = Learner(self.network, settings, config.precision, randomness, config.seed, workers)

    def go_on(self) -> None:
        """Take over the newest checkpoint, where there is one."""
        checkpoint = self.saver.latest()
        if checkpoint is not None:
            points = checkpoint.tensors["targets.points"].to(self.images.device)
            self._start(int(checkpoint.facts["generation"]), replace(self.given, points=points))
            self.learner.restore(checkpoint.tensors, checkpoint.facts)
            self.log = list(checkpoint.facts["log"])

    def checkpoint(self) -> Checkpoint:
        """Give the whole state."""
        done = self.generation * self.config.stage2.iterations + self.learner.iteration
        facts = {"order": done, "generation": self.generation, "log": self.log}
        return Checkpoint(
            self.learner.tensors() | {"targets.points": self.targets.points}, self.learner.facts() | facts
        )

    def start_generation(self) -> None:
        """Let a new network learn what this one finds."""
        find = partial(found_points, self.network.eval(), self.images, self.given, self.config)
        points = self.processes.from_main(find)
        learnt = targets_at(points, self.given, self.images, self.config.model.input_size_px)
        self._start(self.generation + 1, learnt)

    def shape(self) -> ShapePrior | None:
        """Learn the shape of the landmarks that this generation finds."""
        return self.processes.from_main(
            partial(learnt_shape, self.network.eval(), self.images, self.given, self.config)
        )

    def train(self) -> None:
        """Train this generation to its end."""
        learner, iterations = self.learner, self.config.stage2.iterations
        step = recorded(self._step, learner.randomness.generator, self.config.fast, self.images.device)
        batches = feed(self.images, self.targets.image.cpu(), learner.batches(self._draw, iterations))
        self.network.train()
        watch = Watch(
            lambda loss: loss,
            self._log,
            lambda: self.saver.after_step(learner.iteration, self.checkpoint),
            lambda batch: self.saver.keep_batch(batch, self.targets.image),
        )
        learner.train(step, batches, iterations, iterations, watch, "stage 2")
        self.saver.save(self.checkpoint)

    def _draw(self, order: Generator) -> Iterator[Tensor]:
        return row_batches(len(self.targets.image), self.config.stage2.batch_size, order, self.processes.share)

    def _step(self, raw: RawBatch) -> Tensor:
        learner = self.learner
        batch = make_batch(self.images, self.targets, raw, self.config, learner.randomness)
        return training_step(learner.parameters, learner.optimizer, batch, self.config, self.processes)

    def _log(self, loss: Tensor, learning_rate: float) -> None:
        mean = self.processes.total(loss).item() / self.processes.count
        done = self.generation * self.config.stage2.iterations + self.learner.iteration
        self.log.append({"iteration": done, "loss": mean, "learning_rate": learning_rate})
        self.on_log(self.log[-1])


def landmark_network(stage1_network: HourglassNetwork, config: Config) -> HourglassNetwork:
    """Build the network of stage 2 from that of stage 1, with a fresh last layer drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = build_network(config.model, 2, config.num_landmarks)
        deviation, last = config.stage2.head_deviation, network.last_layer(1)
        if deviation is not None and last.bias is not None:
            torch.nn.init.normal_(last.weight, std=deviation)
            torch.nn.init.zeros_(last.bias)
    own = network.state_dict()
    shared = {
        name: value for name, value in stage1_network.state_dict().items() if name in own and not name.startswith("l1.")
    }
    network.load_state_dict(own | shared)
    return channels_last(network)
