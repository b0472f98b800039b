"""Stage 2: an ordinary landmark detector, trained on the pseudo-ground-truth (method, section 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice

import torch
from torch import Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from landmark_discovery.config.schema import Config
from landmark_discovery.config.training import Stage2Settings
from landmark_discovery.heatmaps.targets import draw_landmarks
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.acceleration import recorded, use_fused_layers
from landmark_discovery.training.colour import draw_colour_change
from landmark_discovery.training.feed import RawBatch, feed
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import to_grid
from landmark_discovery.training.losses import stage2_loss
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
from landmark_discovery.training.sampler import row_batches
from landmark_discovery.training.targets import LandmarkTargets, found_points, targets_at
from landmark_discovery.training.views import mirrored_views, random_views
from landmark_discovery.training.weights import build_network, channels_last


@dataclass(frozen=True)
class Stage2Result:
    """Hold what stage 2 leaves: the network and the log."""

    network: HourglassNetwork
    log: list[dict[str, float]]


def train_stage2(
    images: StoredImages,
    targets: LandmarkTargets,
    stage1_network: HourglassNetwork,
    config: Config,
    on_log: Callable[[dict[str, float]], None] = lambda _: None,
    processes: Processes = SINGLE,
) -> Stage2Result:
    """Train a heatmap a landmark, starting from the weights of stage 1.

    Args:
        images: all stored images, on the device that trains.
        targets: what to learn.
        stage1_network: its trunk and descriptor head are copied; its last layer is replaced.
        config: seed, num_landmarks, precision, fast, model, augmentation and stage2 count.
        on_log: told of each row of the log.
        processes: that train together.
    """
    log: list[dict[str, float]] = []

    def tell(generation: int, row: dict[str, float]) -> None:
        log.append(row | {"iteration": generation * config.stage2.iterations + row["iteration"]})
        on_log(log[-1])

    network = _train_generation(images, targets, stage1_network, config, partial(tell, 0), processes)
    for generation in range(1, config.stage2.generations):
        points = processes.from_main(partial(found_points, network, images, targets, config))
        learnt = targets_at(points, targets, images, config.model.input_size_px)
        network = _train_generation(images, learnt, stage1_network, config, partial(tell, generation), processes)
    return Stage2Result(network, log)


def _train_generation(
    images: StoredImages,
    targets: LandmarkTargets,
    stage1_network: HourglassNetwork,
    config: Config,
    on_log: Callable[[dict[str, float]], None],
    processes: Processes,
) -> HourglassNetwork:
    settings, device = config.stage2, images.device
    randomness = Randomness(generator_on(device, config.seed), processes.share)
    network = landmark_network(stage1_network, config).to(device).train()
    use_fused_layers(network, config.model, config.fast, device)
    parameters = TrainedParameters(network, config.precision)
    optimizer = make_optimizer(parameters, settings.optimizer)
    order = generator_on(torch.device("cpu"), config.seed, stream=1)
    rows = islice(row_batches(len(targets.image), settings.batch_size, order, processes.share), settings.iterations)

    def eager_step(raw: RawBatch) -> Tensor:
        batch = make_batch(images, targets, raw, config, randomness)
        return training_step(parameters, optimizer, batch, config, processes)

    step = recorded(eager_step, randomness.generator, config.fast, device)
    with arithmetic(config.precision, device):
        batches = tqdm(feed(images, targets.image.cpu(), rows), "stage 2", settings.iterations, unit="it")
        for iteration, batch in enumerate(batches):
            factor = learning_rate_factor(iteration, settings.iterations, settings.optimizer)
            set_learning_rate(optimizer, factor)
            loss = step(batch)
            if (iteration + 1) % LOG_EVERY == 0 or iteration + 1 == settings.iterations:
                mean = processes.total(loss).item() / processes.count
                rate = factor * settings.optimizer.learning_rate
                on_log({"iteration": iteration + 1, "loss": mean, "learning_rate": rate})
    return network.eval()


@dataclass(frozen=True)
class Batch:
    """Hold views and what they show.

    Attributes:
        views: (B, 3, S, S) in [0, 1].
        heatmaps: targets, (B, K, G, G).
        present: whether the pseudo-ground-truth holds the landmark, (B, K).
    """

    views: Tensor
    heatmaps: Tensor
    present: Tensor


def training_step(
    parameters: TrainedParameters, optimizer: Optimizer, batch: Batch, config: Config, processes: Processes = SINGLE
) -> Tensor:
    """Train on one batch, this process's part, and give its loss."""
    with autocast(config.precision, batch.views.device):
        (predicted,) = parameters.forward(batch.views)
    loss = stage2_loss(predicted, batch.heatmaps, batch.present)
    descend(loss, parameters, optimizer, config.stage2.optimizer, processes)
    return loss.detach()


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


def occlude(views: Tensor, settings: Stage2Settings, randomness: Randomness) -> Tensor:
    """Paint a black square at a random place wholly inside some of the views (B, 3, S, S)."""
    count, size = len(views), views.shape[-1]
    side = round(settings.occlusion_size * size)
    corner = torch.floor(randomness.uniform(count, 2) * (size - side + 1))[..., None]
    steps = torch.arange(size, device=views.device)
    across, down = ((steps >= corner) & (steps < corner + side)).unbind(1)
    chosen = randomness.chance(settings.occlusion_probability, count)
    square = down[:, :, None] & across[:, None, :] & chosen[:, None, None]
    return views.masked_fill(square[:, None], 0.0)


def make_batch(
    images: StoredImages, targets: LandmarkTargets, raw: RawBatch, config: Config, randomness: Randomness
) -> Batch:
    """Augment images and draw their heatmaps.

    Args:
        images: the stored images, for their crops and sizes.
        targets: table whose rows the batch names.
        raw: the images.
        config: model, augmentation and stage2 count.
        randomness: of the views.
    """
    rows, index = raw.rows, targets.image[raw.rows]
    settings, count = config.augmentation, len(targets.flip_map)
    geometry = random_views(
        images.crops[index], images.stored_size[index], config.model.input_size_px, settings, randomness
    )
    mirrored = randomness.chance(settings.mirror_probability, len(rows))
    geometry = mirrored_views(geometry, mirrored)
    views = images.views_of(raw.pixels, index, geometry, draw_colour_change(len(rows), settings, randomness))
    channels = torch.where(mirrored[:, None], targets.flip_map, torch.arange(count, device=images.device))
    named = channels >= 0
    points = torch.where(named[..., None], targets.points[rows], torch.nan)
    channels = channels.clamp(min=0)
    found = ~torch.isnan(points[..., 0])
    present = torch.zeros(len(rows), count, device=images.device).scatter_add(1, channels, found.float()) > 0
    heatmaps = draw_landmarks(to_grid(geometry.to_view(points)), channels, count, config.model.grid_size)
    return Batch(occlude(views, config.stage2, randomness), heatmaps, present)
