"""Stage 1: self-training of detector and descriptor (method, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from landmark_discovery.clustering.detections import detect
from landmark_discovery.clustering.pseudo_groundtruth import (
    Landmarker,
    NamedDetections,
    find_landmarks,
    training_clusters,
)
from landmark_discovery.config.schema import Config
from landmark_discovery.heatmaps.targets import SHAPES
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.compilation import Forward, forward_of
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import TrainingKeypoints, clustered_keypoints, to_grid
from landmark_discovery.training.losses import Stage1Loss, stage1_loss
from landmark_discovery.training.optimizers import (
    LOG_EVERY,
    descend,
    learning_rate_factor,
    make_optimizer,
    set_learning_rate,
)
from landmark_discovery.training.runtime import arithmetic, autocast, generator_on
from landmark_discovery.training.sampler import EpochSampler
from landmark_discovery.training.views import mirrored_views, random_views
from landmark_discovery.training.weights import build_network, channels_last


@dataclass(frozen=True)
class Round:
    """Report a new pseudo-ground-truth.

    Attributes:
        facts: round, iteration, threshold, detections_over_threshold and detections_kept (an image),
            clusters_alive, flip_purity, images_kept, detector_loss, descriptor_loss.
        grid_landmarks: (N, K, 2) on the grid, for the training images; NaN: none.
    """

    facts: dict[str, float]
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
) -> Stage1Result:
    """Train on bootstrap keypoints, then round by round on the network's own clustered detections.

    Args:
        images: all stored images, on the device that trains.
        train_indices: positions of the training images.
        keypoints: bootstrap keypoints of the warm-up.
        config: seed, num_landmarks, precision, compile, model, augmentation, stage1 and clustering count.
        on_round: told of each new pseudo-ground-truth.
        on_log: told of each row of the log.

    Returns:
        The trained network with the landmarker of its last pseudo-ground-truth, and the log.
    """
    trainer = _Trainer(images, train_indices, config, on_round, on_log)
    boundaries = round_boundaries(config)
    with arithmetic(config.precision, images.device):
        for number, boundary in enumerate(boundaries):
            trainer.train_until(boundary, keypoints)
            landmarker, named = trainer.find_landmarks()
            finer = named if boundary == boundaries[-1] else training_clusters(named, config.clustering)
            trainer.report(number, landmarker, named, finer)
            keypoints = trainer.keypoints_of(finer)
    return Stage1Result(trainer.network, landmarker, trainer.log)


def round_boundaries(config: Config) -> list[int]:
    """List the iterations at which a new pseudo-ground-truth is made: after warm-up, after each round, at the end."""
    settings = config.stage1
    boundaries = [min(settings.warmup_iterations, settings.iterations)]
    while boundaries[-1] < settings.iterations:
        boundaries.append(min(boundaries[-1] + settings.round_iterations, settings.iterations))
    return boundaries


class _Trainer:
    """Hold what changes while stage 1 trains."""

    def __init__(
        self,
        images: StoredImages,
        train_indices: NDArray[np.int64],
        config: Config,
        on_round: Callable[[Round], None],
        on_log: Callable[[dict[str, float]], None],
    ) -> None:
        self.images, self.train_indices, self.config = images, train_indices, config
        self.on_round, self.on_log = on_round, on_log
        self.generator = generator_on(images.device, config.seed)
        self.network = initial_network(config, images.device)
        self.forward = forward_of(self.network, images.device, config.compile)
        self.optimizer = make_optimizer(self.network, config.stage1.optimizer)
        self.iteration = 0
        self.over_threshold = self.purity = 0.0
        self.log: list[dict[str, float]] = []

    def train_until(self, boundary: int, keypoints: TrainingKeypoints) -> None:
        """Train on the keypoints up to an iteration."""
        settings = self.config.stage1
        rows = torch.arange(len(keypoints.image), device=self.images.device)
        sampler = EpochSampler(rows, settings.batch_pairs, self.generator)
        self.network.train()
        name = "rounds" if keypoints.clustered else "warm-up"
        with tqdm(total=boundary - self.iteration, desc=f"stage 1 {name}", unit="it", leave=False) as progress:
            while self.iteration < boundary:
                factor = learning_rate_factor(self.iteration, settings.iterations, settings.optimizer)
                set_learning_rate(self.optimizer, factor)
                batch = make_batch(self.images, keypoints, sampler.next_batch(), self.config, self.generator)
                loss = training_step(self.forward, self.network, self.optimizer, batch, self.config, self.generator)
                self.iteration += 1
                if self.iteration % LOG_EVERY == 0 or self.iteration == boundary:
                    self._log(loss, factor * settings.optimizer.learning_rate)
                    progress.set_postfix(loss=f"{self.log[-1]['loss']:.4f}", refresh=False)
                progress.update()

    def find_landmarks(self) -> tuple[Landmarker, NamedDetections]:
        """Make a new pseudo-ground-truth from the detections in all training images."""
        config = self.config
        self.network.eval()
        candidates = detect(
            self.network,
            self.images,
            self.train_indices,
            config.stage1.detection,
            size_px=config.model.input_size_px,
        )
        landmarker, named, self.purity = find_landmarks(
            candidates, config.num_landmarks, config.stage1.detection, config.clustering
        )
        self.over_threshold = float((candidates.score > landmarker.threshold).sum()) / len(self.train_indices)
        return landmarker, named

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

    def report(self, number: int, landmarker: Landmarker, named: NamedDetections, finer: NamedDetections) -> None:
        """Tell of a new pseudo-ground-truth."""
        facts = {
            "round": number,
            "iteration": self.iteration,
            "threshold": landmarker.threshold,
            "detections_over_threshold": self.over_threshold,
            "detections_kept": len(named.detections) / len(self.train_indices),
            "clusters_alive": len(np.unique(named.cluster)),
            "flip_purity": self.purity,
            "images_kept": len(np.unique(finer.detections.image)),
            "detector_loss": self.log[-1]["detector_loss"],
            "descriptor_loss": self.log[-1]["descriptor_loss"],
        }
        self.on_round(Round(facts, named.table(self.config.num_landmarks)[0]))

    def _log(self, loss: Stage1Loss, learning_rate: float) -> None:
        row = {
            "iteration": self.iteration,
            "loss": loss.total.item(),
            "detector_loss": loss.detector.item(),
            "descriptor_loss": loss.descriptor.item(),
            "learning_rate": learning_rate,
        }
        self.log.append(row)
        self.on_log(row)


@dataclass(frozen=True)
class Batch:
    """Hold pairs of views; the first halves are view 1, the second halves view 2.

    Attributes:
        views: (2 B, 3, S, S) in [0, 1].
        points: keypoints on the grid, (2 B, P, 2); NaN: none.
        ids: (2 B, P); below 0: none.
    """

    views: Tensor
    points: Tensor
    ids: Tensor


def initial_network(config: Config, device: torch.device) -> HourglassNetwork:
    """Initialise the network of stage 1 from the seed, the same on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = build_network(config.model, 1, config.num_landmarks)
    bias = network.last_layer(0).bias
    if config.stage1.detector_bias is not None and bias is not None:
        torch.nn.init.constant_(bias, config.stage1.detector_bias)
    return channels_last(network.to(device))


def training_step(
    forward: Forward,
    network: HourglassNetwork,
    optimizer: Optimizer,
    batch: Batch,
    config: Config,
    generator: Generator,
) -> Stage1Loss:
    """Train on one batch of pairs of views and give its loss."""
    with autocast(config.precision, batch.views.device):
        detector, descriptor = forward(batch.views)
    shape = SHAPES[config.stage1.detector_target]
    loss = stage1_loss(detector, descriptor, batch.points, batch.ids, shape, config.stage1.descriptor_loss, generator)
    descend(loss.total, network, optimizer, config.stage1.optimizer)
    return loss


def _pair_rows(first: Tensor, keypoints: TrainingKeypoints, config: Config, generator: Generator) -> Tensor:
    """Choose view 2 of each pair: the same image, or once ids tie images together, at times another."""
    if not keypoints.clustered:
        return torch.cat([first, first])
    device = first.device
    other = torch.randint(len(keypoints.image), first.shape, generator=generator, device=device)
    chance = torch.rand(first.shape, generator=generator, device=device)
    return torch.cat([first, torch.where(chance < config.stage1.descriptor_loss.partner_probability, other, first)])


def make_batch(
    images: StoredImages, keypoints: TrainingKeypoints, first: Tensor, config: Config, generator: Generator
) -> Batch:
    """Choose partners for the images `first` (B,) of the keypoints' table, and augment both views."""
    rows = _pair_rows(first, keypoints, config, generator)
    index, ids = keypoints.image[rows], keypoints.ids[rows]
    crops, size = images.crops[index], images.stored_size[index]
    geometry = random_views(crops, size, config.model.input_size_px, config.augmentation, generator)
    if keypoints.flipped_ids is not None:
        chance = torch.rand(len(rows), generator=generator, device=images.device)
        mirrored = chance < config.augmentation.mirror_probability
        geometry = mirrored_views(geometry, mirrored)
        ids = torch.where(mirrored[:, None], keypoints.flipped_ids[rows], ids)
    views = images.augmented_views(index, geometry, config.augmentation, generator)
    return Batch(views, to_grid(geometry.to_view(keypoints.points[rows])), ids)
