"""The pairs of images that detectors are compared on, the same for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.geometry import FloatArray
from landmark_discovery.keypoint_evaluation.homographies import draw_homography, similarity, warp_image

# What each condition changes, in the order of the tables.
CONDITIONS: Mapping[str, str] = MappingProxyType(
    {
        "rotation": "turned and scaled about the centre by the same angle and factor everywhere",
        "homography": "random turn, size, shift and perspective",
        "light": "random gain, offset and gamma, and noise, from the same place",
    }
)
# What changes of light are drawn from; grey values are 0..1 there.
GAIN_RANGE = (0.6, 1.4)
MAX_OFFSET = 0.1
GAMMA_RANGE = (0.67, 1.5)
NOISE_DEVIATION = 5 / 255


@dataclass(frozen=True)
class ImagePair:
    """Hold two grey images of one size and the homography between them.

    Attributes:
        first: (H, W) uint8.
        second: (H, W) uint8.
        homography: (3, 3), from pixels of the first to pixels of the second.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    homography: FloatArray

    @property
    def size_px(self) -> tuple[int, int]:
        """Give (width, height)."""
        height, width = self.first.shape
        return width, height


def image_pairs(
    grey: NDArray[np.uint8], condition: str, settings: KeypointEvaluationSettings, image_number: int
) -> Iterator[ImagePair]:
    """Make the pairs of one image under one of the `CONDITIONS`.

    Args:
        grey: (H, W).
        condition: "rotation" gives one pair, the others `pairs_per_image`.
        settings: seed, number of pairs, angle and scale.
        image_number: with the seed and the condition, it decides what is drawn, whatever other images there are.
    """
    if condition == "rotation":
        yield rotated_and_scaled(grey, settings.rotation_degrees, settings.scale)
        return
    draw = {"homography": seen_through_homography, "light": lit_otherwise}[condition]
    for number in range(settings.pairs_per_image):
        key = (settings.seed, list(CONDITIONS).index(condition), image_number, number)
        yield draw(grey, np.random.default_rng(key))


def rotated_and_scaled(grey: NDArray[np.uint8], degrees: float = 15.0, scale: float = 0.95) -> ImagePair:
    """Pair an image (H, W) with itself turned about its centre, from x towards y, and scaled."""
    homography = similarity((grey.shape[1], grey.shape[0]), degrees, scale)
    return ImagePair(grey, warp_image(grey, homography), homography)


def seen_through_homography(grey: NDArray[np.uint8], generator: Generator) -> ImagePair:
    """Pair an image (H, W) with a random view of it."""
    homography = draw_homography((grey.shape[1], grey.shape[0]), generator)
    return ImagePair(grey, warp_image(grey, homography), homography)


def lit_otherwise(grey: NDArray[np.uint8], generator: Generator) -> ImagePair:
    """Pair an image (H, W) with itself in another light: gain * grey ** gamma + offset + noise, cut off at 0 and 1."""
    gain = generator.uniform(*GAIN_RANGE)
    offset = generator.uniform(-MAX_OFFSET, MAX_OFFSET)
    gamma = np.exp(generator.uniform(*np.log(GAMMA_RANGE)))
    noise = generator.normal(0, NOISE_DEVIATION, grey.shape)
    changed = gain * (grey / 255) ** gamma + offset + noise
    return ImagePair(grey, np.round(255 * np.clip(changed, 0, 1)).astype(np.uint8), np.eye(3))
