"""One step of stage 2: augmented views with the heatmaps that they should give, and the loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from landmark_discovery.config.schema import Config
from landmark_discovery.config.training import Stage2Settings
from landmark_discovery.heatmaps.targets import draw_landmarks
from landmark_discovery.training.augmentation import augmented_views
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import to_grid
from landmark_discovery.training.losses import stage2_loss
from landmark_discovery.training.optimizers import descend
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.processes import SINGLE, Processes
from landmark_discovery.training.randomness import Randomness
from landmark_discovery.training.runtime import autocast
from landmark_discovery.training.targets import LandmarkTargets


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
    rows, count = raw.rows, len(targets.flip_map)
    seen = augmented_views(images, raw.pixels, targets.image[rows], config, randomness)
    channels = torch.where(seen.mirrored[:, None], targets.flip_map, torch.arange(count, device=images.device))
    named = channels >= 0
    points = torch.where(named[..., None], targets.points[rows], torch.nan)
    channels = channels.clamp(min=0)
    found = ~torch.isnan(points[..., 0])
    present = torch.zeros(len(rows), count, device=images.device).scatter_add(1, channels, found.float()) > 0
    heatmaps = draw_landmarks(to_grid(seen.geometry.to_view(points)), channels, count, config.model.grid_size)
    return Batch(occlude(seen.views, config.stage2, randomness), heatmaps, present)
