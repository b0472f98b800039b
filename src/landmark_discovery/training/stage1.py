"""Stage 1: self-training of detector and descriptor (method, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from landmark_discovery.clustering.detections import Detections, detect, joined_detections
from landmark_discovery.clustering.pseudo_groundtruth import (
    Landmarker,
    NamedDetections,
    find_landmarks,
    training_clusters,
)
from landmark_discovery.config.schema import Config
from landmark_discovery.heatmaps.targets import SHAPES
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.acceleration import recorded, use_fused_layers
from landmark_discovery.training.colour import draw_colour_change
from landmark_discovery.training.feed import RawBatch, feed
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
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.processes import SINGLE, Processes
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.runtime import arithmetic, autocast
from landmark_discovery.training.sampler import pair_batches
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
    processes: Processes = SINGLE,
) -> Stage1Result:
    """Train on bootstrap keypoints, then round by round on the network's own clustered detections.

    Args:
        images: all stored images, on the device that trains.
        train_indices: positions of the training images.
        keypoints: bootstrap keypoints of the warm-up.
        config: seed, num_landmarks, precision, fast, model, augmentation, stage1 and clustering count.
        on_round: told of each new pseudo-ground-truth, on the main process alone.
        on_log: told of each row of the log.
        processes: that train together.

    Returns:
        The trained network with the landmarker of its last pseudo-ground-truth, and the log.
    """
    trainer = _Trainer(images, train_indices, config, on_round, on_log, processes)
    boundaries = round_boundaries(config)
    with arithmetic(config.precision, images.device):
        for number, boundary in enumerate(boundaries):
            trainer.train_until(boundary, keypoints)
            found = trainer.find_landmarks(final=boundary == boundaries[-1])
            trainer.report(number, found)
            landmarker, keypoints = found.landmarker, trainer.keypoints_of(found.training)
    return Stage1Result(trainer.network, landmarker, trainer.log)


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
        on_round: Callable[[Round], None],
        on_log: Callable[[dict[str, float]], None],
        processes: Processes,
    ) -> None:
        self.images, self.train_indices, self.config = images, train_indices, config
        self.on_round, self.on_log, self.processes = on_round, on_log, processes
        self.order = generator_on(torch.device("cpu"), config.seed, stream=1)
        self.randomness = Randomness(generator_on(images.device, config.seed), processes.share, sections=2)
        self.network = initial_network(config, images.device)
        use_fused_layers(self.network, config.model, config.fast, images.device)
        self.parameters = TrainedParameters(self.network, config.precision)
        self.optimizer = make_optimizer(self.parameters, config.stage1.optimizer)
        self.iteration = 0
        self.log: list[dict[str, float]] = []

    def train_until(self, boundary: int, keypoints: TrainingKeypoints) -> None:
        """Train on the keypoints up to an iteration."""
        settings = self.config.stage1
        step = recorded(self._step(keypoints), self.randomness.generator, self.config.fast, self.images.device)
        batches = feed(self.images, keypoints.image.cpu(), self._batches(keypoints, boundary - self.iteration))
        self.network.train()
        name = "rounds" if keypoints.clustered else "warm-up"
        for batch in tqdm(batches, f"stage 1 {name}", boundary - self.iteration, unit="it", leave=False):
            factor = learning_rate_factor(self.iteration, settings.iterations, settings.optimizer)
            set_learning_rate(self.optimizer, factor)
            loss = step(batch)
            self.iteration += 1
            if self.iteration % LOG_EVERY == 0 or self.iteration == boundary:
                self._log(loss, factor * settings.optimizer.learning_rate)

    def _batches(self, keypoints: TrainingKeypoints, count: int) -> Iterator[Tensor]:
        """Choose the images of `count` batches; only ids tie different images together."""
        settings = self.config.stage1
        probability = settings.descriptor_loss.partner_probability if keypoints.clustered else 0.0
        rows = len(keypoints.image)
        return islice(pair_batches(rows, settings.batch_pairs, probability, self.order, self.processes.share), count)

    def _step(self, keypoints: TrainingKeypoints) -> Callable[[RawBatch], Stage1Loss]:
        def step(raw: RawBatch) -> Stage1Loss:
            batch = make_batch(self.images, keypoints, raw, self.config, self.randomness)
            return training_step(self.parameters, self.optimizer, batch, self.config, self.randomness, self.processes)

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
            candidates, config.num_landmarks, config.stage1.detection, config.clustering, self.images.device
        )
        over_threshold = float((candidates.score > landmarker.threshold).sum()) / len(self.train_indices)
        finer = named if final else training_clusters(named, config.clustering, self.images.device)
        return _Found(landmarker, _without_descriptors(named), _without_descriptors(finer), over_threshold, purity)

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
            "iteration": self.iteration,
            "threshold": found.landmarker.threshold,
            "detections_over_threshold": found.detections_over_threshold,
            "detections_kept": len(named.detections) / len(self.train_indices),
            "clusters_alive": len(np.unique(named.cluster)),
            "flip_purity": found.flip_purity,
            "images_kept": len(np.unique(found.training.detections.image)),
            "detector_loss": self.log[-1]["detector_loss"],
            "descriptor_loss": self.log[-1]["descriptor_loss"],
        }
        landmarks, _ = named.table(self.config.num_landmarks)
        self.processes.from_main(lambda: self.on_round(Round(facts, landmarks)))

    def _log(self, loss: Stage1Loss, learning_rate: float) -> None:
        parts = torch.stack([loss.total, loss.detector, loss.descriptor]).detach()
        total, detector, descriptor = (self.processes.total(parts) / self.processes.count).tolist()
        row = {
            "iteration": self.iteration,
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
    parameters: TrainedParameters,
    optimizer: Optimizer,
    batch: Batch,
    config: Config,
    randomness: Randomness,
    processes: Processes = SINGLE,
) -> Stage1Loss:
    """Train on one batch of pairs of views and give its loss.

    Args:
        parameters: that change.
        optimizer: of the parameters.
        batch: this process's part.
        config: precision and stage1 count.
        randomness: for the negative pairs.
        processes: that share the batch.
    """
    with autocast(config.precision, batch.views.device):
        detector, descriptor = parameters.forward(batch.views)
    shape, settings = SHAPES[config.stage1.detector_target], config.stage1.descriptor_loss
    loss = stage1_loss(detector, descriptor, batch.points, batch.ids, shape, settings, randomness, processes)
    descend(loss.total, parameters, optimizer, config.stage1.optimizer, processes)
    return loss.detached()


def make_batch(
    images: StoredImages, keypoints: TrainingKeypoints, raw: RawBatch, config: Config, randomness: Randomness
) -> Batch:
    """Augment pairs of images and move their keypoints with them.

    Args:
        images: the stored images, for their crops and sizes.
        keypoints: table whose rows the batch names.
        raw: the images of view 1, then of view 2.
        config: model and augmentation count.
        randomness: of both views.
    """
    count, index, ids = len(raw.rows), keypoints.image[raw.rows], keypoints.ids[raw.rows]
    settings = config.augmentation
    geometry = random_views(
        images.crops[index], images.stored_size[index], config.model.input_size_px, settings, randomness
    )
    if keypoints.flipped_ids is not None:
        mirrored = randomness.chance(settings.mirror_probability, count)
        geometry = mirrored_views(geometry, mirrored)
        ids = torch.where(mirrored[:, None], keypoints.flipped_ids[raw.rows], ids)
    views = images.views_of(raw.pixels, index, geometry, draw_colour_change(count, settings, randomness))
    return Batch(views, to_grid(geometry.to_view(keypoints.points[raw.rows])), ids)
