"""MagicPoint: the detector learns the corners of drawn shapes (DeTone, Malisiewicz, Rabinovich 2018, section 4)."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from landmark_discovery.bootstrap_training.descent import History, descend
from landmark_discovery.bootstrap_training.homographies import (
    draw_homographies,
    seen_pixels,
    warp_images,
    warp_points,
)
from landmark_discovery.bootstrap_training.light import change_light
from landmark_discovery.bootstrap_training.losses import cell_labels, detector_loss
from landmark_discovery.bootstrap_training.networks import new_network, reduced_precision
from landmark_discovery.bootstrap_training.shapes.dataset import Shapes
from landmark_discovery.config.bootstrap_training import BootstrapTrainingConfig
from landmark_discovery.errors import UserError
from landmark_discovery.models.superpoint import NormalisedSuperPoint
from landmark_discovery.training.randomness import generator_on
from landmark_discovery.training.saver import NO_SAVER, Saver


def train_magicpoint(
    shapes: Shapes, config: BootstrapTrainingConfig, device: torch.device, saver: Saver = NO_SAVER
) -> tuple[NormalisedSuperPoint, History]:
    """Train the detector on drawn shapes, each step on some of them, warped and lit anew.

    Args:
        shapes: images and their keypoints.
        config: keys of the step `train-magicpoint`.
        device: where it trains.
        saver: keeps checkpoints.

    Returns:
        The network, whose descriptor head is as it began, and how its training went.
    """
    if len(shapes.images) == 0:
        raise UserError("no shape is drawn", where="shapes.count", remedy="draw thousands")
    images = torch.from_numpy(shapes.images).to(device)
    points = torch.from_numpy(shapes.points).float().to(device)
    settings = config.magicpoint

    def losses(network: NormalisedSuperPoint, generator: Generator) -> dict[str, Tensor]:
        chosen = torch.randint(len(images), (settings.descent.batch_size,), generator=generator, device=device)
        size_px = images.shape[-1]
        maps = draw_homographies(len(chosen), size_px, settings.input_px, settings.homography, generator)
        views = warp_images(images[chosen, None].float() / 255, maps, settings.input_px)
        lit = change_light(views, config.light, generator)
        with reduced_precision(config.precision, device):
            logits, _ = network(lit)
        labels = cell_labels(warp_points(points[chosen], maps), settings.input_px, generator)
        seen = seen_pixels(maps, size_px, settings.input_px)
        return {"detector_loss": detector_loss(logits, labels, seen)}

    network = new_network(config.seed, device)
    return network, descend(
        network, losses, settings.descent, generator_on(device, config.seed, stream=0), "MagicPoint", saver
    )
