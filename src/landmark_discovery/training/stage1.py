"""Stage 1: self-training of detector and descriptor (method, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from landmark_discovery.clustering.detections import Detections, detect, joined_detections
from landmark_discovery.clustering.pseudo_groundtruth import (
    Landmarker,
    NamedDetections,
    find_landmarks,
    training_clusters,
)
from landmark_discovery.config.schema import Config
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.models.layout import channels_last
from landmark_discovery.training.acceleration import recorded, use_fused_layers
from landmark_discovery.training.checkpoints import Checkpoint
from landmark_discovery.training.feed import RawBatch, feed
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import (
    TrainingKeypoints,
    clustered_keypoints,
    keypoint_tensors,
    restored_keypoints,
)
from landmark_discovery.training.learner import Learner, Watch
from landmark_discovery.training.losses import Stage1Loss
from landmark_discovery.training.processes import SINGLE, Processes
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.sampler import pair_batches
from landmark_discovery.training.saver import NO_SAVER, Saver
from landmark_discovery.training.stage1_step import make_batch, training_step
from landmark_discovery.training.weights import build_network


@dataclass(frozen=True)
class Round:
    """Report a new pseudo-ground-truth.

    Attributes:
        facts: round, iteration, threshold, detections_over_threshold and detections_kept (an image),
            clusters_alive, flip_purity, images_kept, detector_loss, descriptor_loss.
        history: the facts of all rounds up to this one.
        grid_landmarks: (N, K, 2) on the grid, for the training images; NaN: none.
    """

    facts: dict[str, float]
    history: list[dict[str, float]]
    grid_landmarks: NDArray[np.float32]


@dataclass(frozen=True)
class Stage1Result:
    """Hold what stage 1 leaves: the network, the landmarker of its last pseudo-ground-truth, and the log."""

    network: HourglassNetwork
    landmarker: Landmarker
    log: list[dict[str, float]]


def train_stage1(
    images: StoredImages,
    train_indices: NDArray[np.int64],
    keypoints: TrainingKeypoints,
    config: Config,
    on_round: Callable[[Round], None] = lambda _: None,
    on_log: Callable[[dict[str, float]], None] = lambda _: None,
    processes: Processes = SINGLE,
    saver: Saver = NO_SAVER,
) -> Stage1Result:
    """Train on bootstrap keypoints, then round by round on the network's own clustered detections.

    Args:
        images: all stored images, on the device that trains.
        train_indices: positions of the training images.
        keypoints: bootstrap keypoints of the warm-up.
        config: seed, num_landmarks, precision, deterministic, fast, model, augmentation, stage1 and clustering count.
        on_round: told of each new pseudo-ground-truth, on the main process alone.
        on_log: told of each row of the log.
        processes: that train together.
        saver: keeps checkpoints; from the newest of them the training goes on.

    Returns:
        The trained network with the landmarker of its last pseudo-ground-truth, and the log.

    Raises:
        Interrupted: the training was asked to stop; its state is saved.
    """
    trainer = _Trainer(images, train_indices, config, keypoints, on_round, on_log, processes, saver)
    trainer.go_on()
    boundaries = round_boundaries(config)
    with arithmetic(config.precision, images.device, deterministic=config.deterministic):
        for number in range(len(trainer.rounds), len(boundaries)):
            trainer.train_until(boundaries[number])
            found = trainer.find_landmarks(final=boundaries[number] == boundaries[-1])
            trainer.report(number, found)
            if boundaries[number] != boundaries[-1]:
                trainer.start_round(found.training)
    return Stage1Result(trainer.network, found.landmarker, trainer.log)


def round_boundaries(config: Config) -> list[int]:
    """List the iterations at which a new pseudo-ground-truth is made: after warm-up, after each round, at the end."""
    settings = config.stage1
    boundaries = [min(settings.warmup_iterations, settings.iterations)]
    while boundaries[-1] < settings.iterations:
        boundaries.append(min(boundaries[-1] + settings.round_iterations, settings.iterations))
    return boundaries


@dataclass(frozen=True)
class _Found:
    """Hold a new pseudo-ground-truth, and the finer clusters that the next round trains on."""

    landmarker: Landmarker
    named: NamedDetections
    training: NamedDetections
    detections_over_threshold: float
    flip_purity: float


class _Trainer:
    """Hold what changes while stage 1 trains."""

    def __init__(
        self,
        images: StoredImages,
        train_indices: NDArray[np.int64],
        config: Config,
        keypoints: TrainingKeypoints,
        on_round: Callable[[Round], None],
        on_log: Callable[[dict[str, float]], None],
        processes: Processes,
        saver: Saver,
    ) -> None:
        self.images, self.train_indices, self.config, self.keypoints = images, train_indices, config, keypoints
        self.on_round, self.on_log, self.processes, self.saver = on_round, on_log, processes, saver
        self.network = initial_network(config, images.device)
        use_fused_layers(self.network, config.model, config.fast, images.device)
        randomness = Randomness(generator_on(images.device, config.seed), processes.share, sections=2)
        settings = config.stage1.optimizer
        self.learner = Learner(self.network, settings, config.precision, randomness, config.seed, images.workers)
        self.log: list[dict[str, float]] = []
        self.rounds: list[dict[str, float]] = []

    def go_on(self) -> None:
        """Take over the newest checkpoint, where there is one."""
        checkpoint = self.saver.latest()
        if checkpoint is not None:
            self.learner.restore(checkpoint.tensors, checkpoint.facts)
            self.keypoints = restored_keypoints(checkpoint.tensors, self.images.device)
            self.log, self.rounds = list(checkpoint.facts["log"]), list(checkpoint.facts["rounds"])

    def checkpoint(self) -> Checkpoint:
        """Give the whole state."""
        tensors = self.learner.tensors() | keypoint_tensors(self.keypoints)
        facts = {"order": self.learner.iteration, "log": self.log, "rounds": self.rounds}
        return Checkpoint(tensors, self.learner.facts() | facts)

    def train_until(self, boundary: int) -> None:
        """Train on the keypoints of this round up to an iteration."""
        device, iterations = self.images.device, self.config.stage1.iterations
        step = recorded(self._step(), self.learner.randomness.generator, self.config.fast, device)
        batches = feed(self.images, self.keypoints.image.cpu(), self.learner.batches(self._draw, boundary))
        self.network.train()
        title = f"stage 1 {'rounds' if self.keypoints.clustered else 'warm-up'}"
        watch = Watch(
            lambda loss: loss.total,
            self._log,
            lambda: self.saver.after_step(self.learner.iteration, self.checkpoint),
            lambda batch: self.saver.keep_batch(batch, self.keypoints.image),
        )
        self.learner.train(step, batches, boundary, iterations, watch, title)
        # Clustering takes long, and whoever stops it finds the training done.
        self.saver.save(self.checkpoint)

    def start_round(self, named: NamedDetections) -> None:
        """Let the next round train on new keypoints."""
        self.keypoints = self.keypoints_of(named)
        self.learner.start_phase()

    def _draw(self, order: Generator) -> Iterator[Tensor]:
        """Choose the images of batches; only ids tie different images together."""
        settings = self.config.stage1
        probability = settings.descriptor_loss.partner_probability if self.keypoints.clustered else 0.0
        return pair_batches(len(self.keypoints.image), settings.batch_pairs, probability, order, self.processes.share)

    def _step(self) -> Callable[[RawBatch], Stage1Loss]:
        keypoints, learner = self.keypoints, self.learner

        def step(raw: RawBatch) -> Stage1Loss:
            batch = make_batch(self.images, keypoints, raw, self.config, learner.randomness)
            return training_step(
                learner.parameters, learner.optimizer, batch, self.config, learner.randomness, self.processes
            )

        return step

    def find_landmarks(self, final: bool) -> _Found:
        """Make a new pseudo-ground-truth from the detections in all training images."""
        config = self.config
        self.network.eval()
        own = detect(
            self.network,
            self.images,
            self.processes.part(self.train_indices),
            config.stage1.detection,
            size_px=config.model.input_size_px,
            precision=config.precision,
        )
        candidates = joined_detections(own, self.train_indices, self.processes)
        return self.processes.from_main(lambda: self._cluster(candidates, final))

    def _cluster(self, candidates: Detections, final: bool) -> _Found:
        config = self.config
        landmarker, named, purity = find_landmarks(
            candidates, config.num_landmarks, config.stage1.detection, config.clustering, self._clustering_device
        )
        over_threshold = float((candidates.score > landmarker.threshold).sum()) / len(self.train_indices)
        finer = named if final else training_clusters(named, config.clustering, self._clustering_device)
        return _Found(landmarker, _without_descriptors(named), _without_descriptors(finer), over_threshold, purity)

    @property
    def _clustering_device(self) -> torch.device:
        """Cluster where the images are, but where bytes must repeat: faiss on a GPU doesn't promise to."""
        return torch.device("cpu") if self.config.deterministic else self.images.device

    def keypoints_of(self, named: NamedDetections) -> TrainingKeypoints:
        """Give the keypoints that the next round trains on."""
        return clustered_keypoints(
            named.detections.image,
            named.detections.point,
            named.cluster,
            named.flipped_cluster,
            self.train_indices,
            self.images,
            self.config.model.input_size_px,
        )

    def report(self, number: int, found: _Found) -> None:
        """Tell of a new pseudo-ground-truth, on the main process."""
        named = found.named
        facts = {
            "round": number,
            "iteration": self.learner.iteration,
            "threshold": found.landmarker.threshold,
            "detections_over_threshold": found.detections_over_threshold,
            "detections_kept": len(named.detections) / len(self.train_indices),
            "clusters_alive": len(np.unique(named.cluster)),
            "flip_purity": found.flip_purity,
            "images_kept": len(np.unique(found.training.detections.image)),
            "detector_loss": self.log[-1]["detector_loss"],
            "descriptor_loss": self.log[-1]["descriptor_loss"],
        }
        self.rounds.append(facts)
        landmarks, _ = named.table(self.config.num_landmarks)
        self.processes.from_main(lambda: self.on_round(Round(facts, self.rounds, landmarks)))

    def _log(self, loss: Stage1Loss, learning_rate: float) -> None:
        parts = torch.stack([loss.total, loss.detector, loss.descriptor]).detach()
        total, detector, descriptor = (self.processes.total(parts) / self.processes.count).tolist()
        row = {
            "iteration": self.learner.iteration,
            "loss": total,
            "detector_loss": detector,
            "descriptor_loss": descriptor,
            "learning_rate": learning_rate,
        }
        self.log.append(row)
        self.on_log(row)


def _without_descriptors(named: NamedDetections) -> NamedDetections:
    """Let go of the descriptors, which fill gigabytes and which nobody needs once they are clustered."""
    found = named.detections
    none = np.empty((len(found), 0), found.descriptor.dtype)
    return replace(named, detections=replace(found, descriptor=none, flipped_descriptor=none))


def initial_network(config: Config, device: torch.device) -> HourglassNetwork:
    """Initialise the network of stage 1 from the seed, the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = build_network(config.model, 1, config.num_landmarks)
    bias = network.last_layer(0).bias
    if config.stage1.detector_bias is not None and bias is not None:
        torch.nn.init.constant_(bias, config.stage1.detector_bias)
    return channels_last(network.to(device))
