"""Grey levels: backgrounds without a corner, levels that stand out, and the look of the finished image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap_training.shapes.scene import GreyMap

# Areas that touch differ by so many of the 256 levels, before brightness and contrast of the whole are changed.
LEAST_CONTRAST = 20
# Levels of a background lie within a range of so many: then five areas can all differ from it and from one another.
BACKGROUND_SPAN = 50
MOST_LEVELS = 5
# The final image uses at least so many levels for 0 to 255.
_LEAST_SPAN = 128
_LEAST_LIGHT = 0.8
_MOST_BLUR_PX = 1.2
# Below, blurring changes next to nothing.
_LEAST_BLUR_PX = 0.2


def draw_background(generator: np.random.Generator, size_px: int) -> GreyMap:
    """Draw a smooth background, (size, size), of at most `BACKGROUND_SPAN` levels."""
    span = generator.uniform(0, BACKGROUND_SPAN)
    low = generator.uniform(0, 255 - span)
    return np.asarray(low + span * _smooth(generator, size_px), dtype=np.float32)


def draw_noise(generator: np.random.Generator, size_px: int) -> GreyMap:
    """Draw Gaussian noise, (size, size), whose grains are one or a few pixels wide; levels 0 to 255."""
    noise = generator.standard_normal((size_px, size_px), dtype=np.float32)
    width_px = generator.choice([0.0, generator.uniform(0.5, 2.5)])
    if width_px:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), width_px), dtype=np.float32)
    scaled = generator.uniform(60, 200) + generator.uniform(10, 60) * noise / max(float(noise.std()), 1e-6)
    return np.asarray(np.clip(scaled, 0, 255), dtype=np.float32)


def contrasting_levels(generator: np.random.Generator, background: GreyMap, count: int) -> NDArray[np.int64]:
    """Choose levels (count,) that differ from one another, and from the whole background, by `LEAST_CONTRAST`.

    Args:
        generator: draws them.
        background: what they stand out from; of at most `BACKGROUND_SPAN` levels.
        count: at most `MOST_LEVELS`, for which there is always room.
    """
    candidates = np.arange(256)
    low, high = float(background.min()), float(background.max())
    free = (candidates <= low - LEAST_CONTRAST) | (candidates >= high + LEAST_CONTRAST)
    chosen: list[int] = []
    for _ in range(count):
        chosen.append(int(generator.choice(candidates[free])))
        free &= np.abs(candidates - chosen[-1]) >= LEAST_CONTRAST
    return np.array(chosen, dtype=np.int64)


def finish(generator: np.random.Generator, image: GreyMap) -> NDArray[np.uint8]:
    """Blur an image (size, size) of levels 0 to 255, light it unevenly, and change its brightness and contrast."""
    blur_px = generator.uniform(0, _MOST_BLUR_PX)
    span = generator.uniform(_LEAST_SPAN, 255)
    low = generator.uniform(0, 255 - span)
    light = 1 - generator.uniform(0, 1 - _LEAST_LIGHT) * _smooth(generator, len(image))
    blurred = image if blur_px < _LEAST_BLUR_PX else cv2.GaussianBlur(image, (0, 0), blur_px)
    return np.rint(low + span / 255 * light * blurred).astype(np.uint8)


def _smooth(generator: np.random.Generator, size_px: int) -> GreyMap:
    """Draw a smooth map of numbers that fill 0 to 1: a few random ones, or a slope, with what lies between them."""
    knots = int(generator.integers(2, 6))
    coarse = generator.random((knots, knots), dtype=np.float32)
    fine = cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    lowest, highest = float(fine.min()), float(fine.max())
    return np.asarray((fine - lowest) / max(highest - lowest, 1e-6), dtype=np.float32)
