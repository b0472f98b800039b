"""Views that training sees: stored images moved, mirrored and recoloured at random, the same way in both stages."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from landmark_discovery.config.schema import Config
from landmark_discovery.training.colour import draw_colour_change
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.randomness import Randomness
from landmark_discovery.training.views import ViewGeometry, mirrored_views, random_views


@dataclass(frozen=True)
class AugmentedViews:
    """Hold augmented views.

    Attributes:
        views: (B, 3, S, S) in [0, 1].
        geometry: how they lie in the stored images.
        mirrored: which of them are mirror images, (B,).
    """

    views: Tensor
    geometry: ViewGeometry
    mirrored: Tensor


def augmented_views(
    images: StoredImages, pixels: Tensor, index: Tensor, config: Config, randomness: Randomness, *, mirror: bool = True
) -> AugmentedViews:
    """Augment images that are read already (method, section 4).

    Args:
        images: the stored images, for their crops and sizes.
        pixels: of the images, uint8 (B, H, W, 3).
        index: their positions in the store, (B,).
        config: model and augmentation count.
        randomness: of the views.
        mirror: whether some are mirrored; otherwise nothing is drawn for it.
    """
    settings = config.augmentation
    geometry = random_views(
        images.crops[index], images.stored_size[index], config.model.input_size_px, settings, randomness
    )
    mirrored = torch.zeros(len(index), dtype=torch.bool, device=images.device)
    if mirror:
        mirrored = randomness.chance(settings.mirror_probability, len(index))
        geometry = mirrored_views(geometry, mirrored)
    views = images.views_of(pixels, index, geometry, draw_colour_change(len(index), settings, randomness))
    return AugmentedViews(views, geometry, mirrored)
