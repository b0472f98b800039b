"""One step of stage 1: pairs of augmented views with their keypoints, and the loss that they give."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer

from landmark_discovery.config.schema import Config
from landmark_discovery.heatmaps.targets import SHAPES
from landmark_discovery.training.augmentation import augmented_views
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import TrainingKeypoints, to_grid
from landmark_discovery.training.losses import Stage1Loss, stage1_loss
from landmark_discovery.training.optimizers import descend
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.processes import SINGLE, Processes
from landmark_discovery.training.randomness import Randomness
from landmark_discovery.training.runtime import autocast


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
    rows, index, flipped_ids = raw.rows, keypoints.image[raw.rows], keypoints.flipped_ids
    ids = keypoints.ids[rows]
    seen = augmented_views(images, raw.pixels, index, config, randomness, mirror=flipped_ids is not None)
    if flipped_ids is not None:
        ids = torch.where(seen.mirrored[:, None], flipped_ids[rows], ids)
    return Batch(seen.views, to_grid(seen.geometry.to_view(keypoints.points[rows])), ids)
