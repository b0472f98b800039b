"""Stage 1: self-training of detector and descriptor (method, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn.utils import clip_grad_norm_
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
from landmark_discovery.training.optimizers import learning_rate_factor, make_optimizer, set_learning_rate
from landmark_discovery.training.runtime import arithmetic, autocast, generator_on
from landmark_discovery.training.sampler import EpochSampler
from landmark_discovery.training.views import mirrored_views, random_views
from landmark_discovery.training.weights import build_network, channels_last

LOG_EVERY = 20


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


@dataclass
class Stage1Result:
    """Collect what stage 1 leaves: network, landmarker, and the log."""

    network: HourglassNetwork
    landmarker: Landmarker | None = None
    log: list[dict[str, float]] = field(default_factory=list)
    rounds: list[dict[str, float]] = field(default_factory=list)


def train_stage1(
    images: StoredImages,
    train_indices: NDArray[np.int64],
    keypoints: TrainingKeypoints,
    config: Config,
    on_round: Callable[[Round], None] = lambda _: None,
) -> Stage1Result:
    """Train on bootstrap keypoints, then round by round on the network's own clustered detections.

    Args:
        images: all stored images, on the device that trains.
        train_indices: positions of the training images.
        keypoints: bootstrap keypoints of the warm-up.
        config: seed, num_landmarks, precision, compile, model, augmentation, stage1 and clustering count.
        on_round: told of each new pseudo-ground-truth.

    Returns:
        The trained network with the landmarker of its last pseudo-ground-truth, and the log.
    """
    trainer = _Trainer(images, train_indices, config, on_round)
    settings = config.stage1
    with arithmetic(config.precision, images.device):
        boundaries = [settings.warmup_iterations]
        while boundaries[-1] < settings.iterations:
            boundaries.append(min(boundaries[-1] + settings.round_iterations, settings.iterations))
        for number, boundary in enumerate(boundaries):
            trainer.train_until(boundary, keypoints)
            keypoints = trainer.next_keypoints(number, last=boundary == settings.iterations)
    return trainer.result


def round_count(config: Config) -> int:
    """Count the pseudo-ground-truths that stage 1 makes, the one after warm-up included."""
    settings = config.stage1
    return 1 + max(0, -(-(settings.iterations - settings.warmup_iterations) // settings.round_iterations))


class _Trainer:
    """Hold what changes while stage 1 trains."""

    def __init__(
        self,
        images: StoredImages,
        train_indices: NDArray[np.int64],
        config: Config,
        on_round: Callable[[Round], None],
    ) -> None:
        self.images, self.train_indices, self.config, self.on_round = images, train_indices, config, on_round
        self.generator = generator_on(images.device, config.seed)
        self.network = initial_network(config, images.device)
        self.forward = forward_of(self.network, images.device, config.compile)
        self.optimizer = make_optimizer(self.network, config.stage1.optimizer)
        self.iteration = 0
        self.result = Stage1Result(self.network)

    def train_until(self, boundary: int, keypoints: TrainingKeypoints) -> None:
        settings = self.config.stage1
        rows = torch.arange(len(keypoints.image), device=self.images.device)
        sampler = EpochSampler(rows, settings.batch_pairs, self.generator)
        self.network.train()
        name = "rounds" if keypoints.clustered else "warm-up"
        with tqdm(total=boundary - self.iteration, desc=f"stage 1 {name}", unit="it", leave=False) as progress:
            while self.iteration < boundary:
                factor = learning_rate_factor(self.iteration, settings.iterations, settings.optimizer)
                set_learning_rate(self.optimizer, factor)
                loss = training_step(
                    self.forward,
                    self.network,
                    self.optimizer,
                    self.images,
                    keypoints,
                    sampler,
                    self.config,
                    self.generator,
                )
                self.iteration += 1
                if self.iteration % LOG_EVERY == 0 or self.iteration == boundary:
                    self._log(loss, factor * settings.optimizer.learning_rate)
                    progress.set_postfix(loss=f"{self.result.log[-1]['loss']:.4f}", refresh=False)
                progress.update()

    def next_keypoints(self, number: int, last: bool) -> TrainingKeypoints:
        config = self.config
        self.network.eval()
        candidates = detect(
            self.network,
            self.images,
            self.train_indices,
            config.stage1.detection,
            size_px=config.model.input_size_px,
            precision=config.precision,
        )
        landmarker, named, purity = find_landmarks(
            candidates, config.num_landmarks, config.stage1.detection, config.clustering
        )
        self.result.landmarker = landmarker
        finer = named if last else training_clusters(named, config.clustering)
        self._report(number, int((candidates.score > landmarker.threshold).sum()), named, landmarker, purity, finer)
        found = finer.detections
        return clustered_keypoints(
            found.image,
            found.point,
            finer.cluster,
            finer.flipped_cluster,
            self.train_indices,
            self.images,
            config.model.input_size_px,
        )

    def _log(self, loss: Stage1Loss, learning_rate: float) -> None:
        self.result.log.append(
            {
                "iteration": self.iteration,
                "loss": loss.total.item(),
                "detector_loss": loss.detector.item(),
                "descriptor_loss": loss.descriptor.item(),
                "learning_rate": learning_rate,
            }
        )

    def _report(
        self,
        number: int,
        over_threshold: int,
        named: NamedDetections,
        landmarker: Landmarker,
        purity: float,
        finer: NamedDetections,
    ) -> None:
        num_images, log = len(self.train_indices), self.result.log[-1]
        facts = {
            "round": number,
            "iteration": self.iteration,
            "threshold": landmarker.threshold,
            "detections_over_threshold": over_threshold / num_images,
            "detections_kept": len(named.detections) / num_images,
            "clusters_alive": len(np.unique(named.cluster)),
            "flip_purity": purity,
            "images_kept": len(np.unique(finer.detections.image)),
            "detector_loss": log["detector_loss"],
            "descriptor_loss": log["descriptor_loss"],
        }
        self.result.rounds.append(facts)
        self.on_round(Round(facts, named.table(self.config.num_landmarks)[0]))


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
    images: StoredImages,
    keypoints: TrainingKeypoints,
    sampler: EpochSampler,
    config: Config,
    generator: Generator,
) -> Stage1Loss:
    """Train on one batch of pairs of views and give its loss."""
    rows = _pair_rows(sampler.next_batch(), keypoints, config, generator)
    views, points, ids = _make_views(images, keypoints, rows, config, generator)
    with autocast(config.precision, images.device):
        detector, descriptor = forward(views)
    shape = SHAPES[config.stage1.detector_target]
    loss = stage1_loss(detector, descriptor, points, ids, shape, config.stage1.descriptor_loss, generator)
    optimizer.zero_grad(set_to_none=True)
    loss.total.backward()  # type: ignore[no-untyped-call]
    if config.stage1.optimizer.max_gradient_norm is not None:
        clip_grad_norm_(network.parameters(), config.stage1.optimizer.max_gradient_norm)
    optimizer.step()
    return loss


def _pair_rows(first: Tensor, keypoints: TrainingKeypoints, config: Config, generator: Generator) -> Tensor:
    """Choose view 2 of each pair: the same image, or once ids tie images together, at times another."""
    if not keypoints.clustered:
        return torch.cat([first, first])
    device = first.device
    other = torch.randint(len(keypoints.image), first.shape, generator=generator, device=device)
    chance = torch.rand(first.shape, generator=generator, device=device)
    return torch.cat([first, torch.where(chance < config.stage1.descriptor_loss.partner_probability, other, first)])


def _make_views(
    images: StoredImages, keypoints: TrainingKeypoints, rows: Tensor, config: Config, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Augment the images of the rows (2 B,); give views, keypoints on the grid, and ids."""
    index, ids = keypoints.image[rows], keypoints.ids[rows]
    crops, size = images.crops[index], images.stored_size[index]
    geometry = random_views(crops, size, config.model.input_size_px, config.augmentation, generator)
    if keypoints.flipped_ids is not None:
        chance = torch.rand(len(rows), generator=generator, device=images.device)
        mirrored = chance < config.augmentation.mirror_probability
        geometry = mirrored_views(geometry, mirrored)
        ids = torch.where(mirrored[:, None], keypoints.flipped_ids[rows], ids)
    views = images.augmented_views(index, geometry, config.augmentation, generator)
    return views, to_grid(geometry.to_view(keypoints.points[rows])), ids
