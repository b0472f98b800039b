"""What stage 2 learns: the pseudo-ground-truth, and what a trained network finds where that has gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landmark_discovery.clustering.consistency import consistent_points
from landmark_discovery.clustering.shape import fit_shape_prior
from landmark_discovery.config.schema import Config
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import from_grid
from landmark_discovery.training.prediction import predict_stage2
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.views import plain_views

# As a share of the crop; what stands farther from where it is expected says nothing about the shape.
SHAPE_LIMIT = 0.15


@dataclass(frozen=True)
class LandmarkTargets:
    """Hold the pseudo-ground-truth of N images.

    Attributes:
        image: position of each image in the store, int64 (N,).
        points: in store pixels, (N, K, 2); NaN: not found.
        flip_map: the landmark that each becomes when the image is mirrored, int64 (K,); -1: none.
    """

    image: Tensor
    points: Tensor
    flip_map: Tensor


def landmark_targets(
    image: NDArray[np.int64], points: NDArray[np.float64], flip_map: NDArray[np.int64], device: torch.device
) -> LandmarkTargets:
    """Move a pseudo-ground-truth to the device; images without any landmark are left out.

    Args:
        image: position of each image in the store, (N,).
        points: in store pixels, (N, K, 2); NaN: not found.
        flip_map: (K,); -1: none.
        device: of the training.

    Raises:
        UserError: no image has a landmark.
    """
    some = np.asarray(~np.isnan(points[..., 0]).all(axis=1))
    if not some.any():
        raise UserError(
            f"none of {len(some)} images has a landmark",
            where="pseudo-ground-truth",
            remedy="train stage 1 longer, or set stage1.detection.target_detections",
        )
    return LandmarkTargets(
        torch.from_numpy(image[some]).to(device),
        torch.from_numpy(points[some].astype(np.float32)).to(device),
        torch.from_numpy(flip_map).to(device),
    )


def learnt_shape(
    network: HourglassNetwork, images: StoredImages, targets: LandmarkTargets, config: Config
) -> ShapePrior | None:
    """Fit the shape of the landmarks that a trained network finds in the images of the targets.

    Args:
        network: of stage 2, in eval mode.
        images: the stored images.
        targets: what the network learnt.
        config: precision, deterministic, model and stage2 count.

    Returns:
        The prior; None where the configuration wants none.
    """
    if not config.stage2.shape_prior:
        return None
    points, grid_size = _predicted(network, images, targets, config, None), config.model.grid_size
    return fit_shape_prior(points, targets.flip_map.cpu().numpy(), grid_size, SHAPE_LIMIT * grid_size)


def found_points(
    network: HourglassNetwork, images: StoredImages, targets: LandmarkTargets, config: Config
) -> NDArray[np.float32]:
    """Find the landmarks of the images of the targets with a trained network, by their shape where that is asked for.

    They fill the gaps of the pseudo-ground-truth. Those that stand far from where the other landmarks of the image
    expect them are left out.

    Args:
        network: of stage 2, in eval mode.
        images: the stored images.
        targets: what the network learnt.
        config: precision, deterministic, model and stage2 count.

    Returns:
        Points (N, K, 2) on the grid; NaN: left out.
    """
    points = _predicted(network, images, targets, config, learnt_shape(network, images, targets, config))
    limit = config.stage2.consistency_limit * config.model.grid_size
    return np.where(consistent_points(points, limit)[..., None], points, np.float32(np.nan))


def _predicted(
    network: HourglassNetwork,
    images: StoredImages,
    targets: LandmarkTargets,
    config: Config,
    prior: ShapePrior | None,
) -> NDArray[np.float32]:
    with arithmetic(config.precision, images.device, deterministic=config.deterministic):
        points, _ = predict_stage2(
            network,
            targets.flip_map.cpu().numpy(),
            images,
            targets.image.cpu().numpy(),
            config.stage2,
            size_px=config.model.input_size_px,
            precision=config.precision,
            prior=prior,
        )
    return points


def targets_at(
    points: NDArray[np.float32], targets: LandmarkTargets, images: StoredImages, size_px: int
) -> LandmarkTargets:
    """Give targets of the same images at other points (N, K, 2) on the grid; NaN: none."""
    on_device = from_grid(torch.from_numpy(points).to(images.device))
    stored = plain_views(images.crops[targets.image], size_px).to_store(on_device)
    return replace(targets, points=stored)
