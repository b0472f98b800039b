"""Which part of an image is stored, at which size, and the cutting itself: one rule for data sets and single images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.geometry import (
    crop_rectangle,
    margin_padding_px,
    paper_padding_px,
    shrunk_size,
    widen_rectangle,
)


@dataclass(frozen=True)
class CutRule:
    """Say how boxes become crops and what is kept around them; keys of `dataset` with their meaning there.

    Attributes:
        crop_rule: "paper" or "margin".
        crop_margin: padding as a share of the box's longer side; 0 where the rule isn't "margin".
        context: surroundings kept, as a share of the crop's size on each side; None: the whole image.
        max_crop_px: larger crops are shrunk to it; None: never.
    """

    crop_rule: str
    crop_margin: float
    context: float | None
    max_crop_px: int | None

    @classmethod
    def of(cls, settings: DatasetSettings) -> CutRule:
        """Take the rule out of the settings of a data set; those of the paper's rule know no margin."""
        margin = settings.crop_margin if settings.crop_rule == "margin" else 0.0
        return cls(settings.crop_rule, margin, settings.context, settings.max_crop_px)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> CutRule:
        """Read the rule from plain values, as `vars` gives them.

        Raises:
            ValueError: keys or values that no rule has.
        """
        return cls.of(DatasetSettings.model_validate({name: facts[name] for name in cls.__dataclass_fields__}))


@dataclass(frozen=True)
class Cuts:
    """Hold the rectangles of N images, in original pixels, last row and column excluded.

    Attributes:
        box: (N, 4); the whole image where none was given.
        crop: the part that the network sees, (N, 4), whole numbers.
        window: the part that is stored, (N, 4), whole numbers.
        stored_size: width and height at which it is stored, (N, 2).
    """

    box: NDArray[np.float64]
    crop: NDArray[np.int64]
    window: NDArray[np.int64]
    stored_size: NDArray[np.int64]

    @property
    def empty(self) -> NDArray[np.int64]:
        """List the images whose box leaves no pixel to crop."""
        return np.flatnonzero((self.crop[:, 2:] <= self.crop[:, :2]).any(axis=1))

    @property
    def crop_in_store(self) -> NDArray[np.float64]:
        """Give the crops in stored pixels, (N, 4)."""
        return rectangle_in_store(self.crop, self.window, self.stored_size)


def plan_cuts(boxes: NDArray[np.float64], sizes: NDArray[np.int64], rule: CutRule) -> Cuts:
    """Decide which part of each image is stored, at which size (method, section 1).

    Args:
        boxes: (N, 4) in pixels of the originals, NaN where an image has none: its box and crop are the whole image.
        sizes: (width, height) of each original, (N, 2).
        rule: of the crop, its context and its limit.
    """
    whole = np.concatenate([np.zeros_like(sizes), sizes], axis=1)
    absent = np.isnan(boxes[:, :1])
    box = np.where(absent, whole, boxes)
    padding = paper_padding_px(box) if rule.crop_rule == "paper" else margin_padding_px(box, rule.crop_margin)
    crop = np.where(absent, whole, crop_rectangle(box, sizes, padding))
    window = whole if rule.context is None else widen_rectangle(crop, sizes, rule.context)
    return Cuts(box, crop, window, shrunk_size(window, crop, rule.max_crop_px))


def cut_window(
    image: NDArray[np.uint8], window: NDArray[np.int64], stored_size: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Cut a window (4,) out of an image (H, W, 3) and shrink it to `stored_size` (width, height)."""
    x_min, y_min, x_max, y_max = window.tolist()
    part = image[y_min:y_max, x_min:x_max]
    width, height = stored_size.tolist()
    if (height, width) == part.shape[:2]:
        return part.copy()
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def filled_up(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Lay a cut (h, w, 3) into the upper left corner of an array (height, width, 3).

    Beyond it, its last row and column go on: where views are sampled at its edge they see it as if it were alone,
    whatever the sizes of the images beside it.
    """
    missing = (height - pixels.shape[0], width - pixels.shape[1])
    if missing == (0, 0):
        return pixels
    return np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def rectangle_in_store(
    rectangle: NDArray[np.int64] | NDArray[np.float64],
    window: NDArray[np.int64] | NDArray[np.float64],
    stored_size: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Map rectangles (N, 4) in original pixels to pixels of their stored windows."""
    origin, extent = np.tile(window[:, :2], 2), np.tile(window[:, 2:] - window[:, :2], 2)
    return np.asarray((rectangle - origin) / extent * np.tile(stored_size, 2), dtype=np.float64)
