"""Detector and descriptor learn together from pairs of views (DeTone, Malisiewicz, Rabinovich 2018, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from numpy import float32, uint8
from numpy.typing import NDArray
from torch import Generator, Tensor

from landmark_discovery.bootstrap_training.descent import History, descend
from landmark_discovery.bootstrap_training.homographies import (
    draw_homographies,
    seen_pixels,
    warp_images,
    warp_points,
)
from landmark_discovery.bootstrap_training.light import change_light
from landmark_discovery.bootstrap_training.losses import cell_labels, descriptor_loss, detector_loss, sample_at
from landmark_discovery.bootstrap_training.networks import reduced_precision
from landmark_discovery.config.bootstrap_training import BootstrapTrainingConfig, JointSettings
from landmark_discovery.models.superpoint import NormalisedSuperPoint
from landmark_discovery.training.randomness import generator_on
from landmark_discovery.training.saver import NO_SAVER, Saver


@dataclass(frozen=True)
class Views:
    """Hold one view of each photograph of a batch.

    Attributes:
        images: (B, 1, V, V) in 0..1.
        maps: from the photographs' pixels to the views', (B, 3, 3).
        labels: of the cells, int64 (B, V / 8, V / 8).
        seen: booleans (B, V, V): pixels that show the photograph.
    """

    images: Tensor
    maps: Tensor
    labels: Tensor
    seen: Tensor


def train_joint(
    network: NormalisedSuperPoint,
    photographs: NDArray[uint8],
    keypoints: NDArray[float32],
    config: BootstrapTrainingConfig,
    device: torch.device,
    saver: Saver = NO_SAVER,
) -> History:
    """Train both heads on pairs of views of photographs, in place.

    Args:
        network: a trained detector, on its device.
        photographs: grey, (N, S, S).
        keypoints: of each, (N, P, 2) in pixels, NaN beyond the last.
        config: keys of the step `train-superpoint`.
        device: where it trains.
        saver: keeps checkpoints.
    """
    images = torch.from_numpy(photographs).to(device)
    points = torch.from_numpy(keypoints).to(device)
    settings = config.joint

    def losses(network: NormalisedSuperPoint, generator: Generator) -> dict[str, Tensor]:
        chosen = torch.randint(len(images), (settings.descent.batch_size,), generator=generator, device=device)
        pair = [_draw_views(images[chosen], points[chosen], config, generator) for _ in range(2)]
        with reduced_precision(config.precision, device):
            logits, descriptors = network(torch.cat([view.images for view in pair]))
        labels, seen = torch.cat([view.labels for view in pair]), torch.cat([view.seen for view in pair])
        at = draw_points(points[chosen], settings.points, images.shape[-1], generator)
        return {
            "detector_loss": detector_loss(logits, labels, seen),
            "descriptor_loss": settings.descriptor_weight * _compared(descriptors.float(), pair, at, settings),
        }

    return descend(
        network, losses, settings.descent, generator_on(device, config.seed, stream=1), "joint training", saver
    )


def _draw_views(images: Tensor, points: Tensor, config: BootstrapTrainingConfig, generator: Generator) -> Views:
    size_px, view_px = images.shape[-1], config.joint.input_px
    maps = draw_homographies(len(images), size_px, view_px, config.joint.homography, generator)
    views = warp_images(images[:, None].float() / 255, maps, view_px)
    return Views(
        change_light(views, config.light, generator),
        maps,
        cell_labels(warp_points(points, maps), view_px, generator),
        seen_pixels(maps, size_px, view_px),
    )


def _compared(descriptors: Tensor, pair: list[Views], points: Tensor, settings: JointSettings) -> Tensor:
    """Give the loss of the descriptors of points (B, M, 2) of the photographs in both views."""
    places = [warp_points(points, view.maps) for view in pair]
    inside = [((place >= 0) & (place <= settings.input_px - 1)).all(dim=-1) for place in places]
    first, second = (sample_at(maps, at) for maps, at in zip(descriptors.chunk(2), places, strict=True))
    return descriptor_loss(
        first, second, places[1], inside[0] & inside[1], settings.temperature, settings.void_distance_px
    )


def draw_points(keypoints: Tensor, count: int, size_px: int, generator: Generator) -> Tensor:
    """Draw points of photographs, every other one a keypoint where there is one, the others anywhere.

    Args:
        keypoints: (B, P, 2), NaN beyond the last of each.
        count: of points a photograph (M).
        size_px: width and height of the photographs.
        generator: source of randomness.

    Returns:
        (B, M, 2) in pixels.
    """
    shape, device = (len(keypoints), count), keypoints.device
    anywhere = torch.rand(*shape, 2, generator=generator, device=device) * (size_px - 1)
    present = (~keypoints[..., 0].isnan()).sum(dim=1, keepdim=True)
    index = (torch.rand(shape, generator=generator, device=device) * present).long()
    index = index.clamp(max=keypoints.shape[1] - 1)
    of_keypoints = torch.gather(keypoints, 1, index[..., None].expand(-1, -1, 2))
    takes_keypoint = (torch.arange(count, device=device) % 2 == 0)[None, :, None] & (present > 0)[..., None]
    return torch.where(takes_keypoint, of_keypoints, anywhere)
