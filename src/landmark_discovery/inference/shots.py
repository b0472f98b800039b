"""Images on their way to the network: files or pixels with the boxes of their objects, and what is cut out of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.data.cutting import CutRule, Cuts, cut_window, filled_up, plan_cuts
from landmark_discovery.data.images import read_image, read_image_size
from landmark_discovery.errors import UserError
from landmark_discovery.geometry import area_inside
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.workers import ALONE, Workers

# Views turned by 12 degrees, or shrunk to 0.88, reach a tenth of the crop beyond it.
_SEEN_AROUND_CROP = 0.25
_REMEDY = "replace or remove the file, or leave it out (on the command line: `--on-bad-image skip`)"


@dataclass(frozen=True, slots=True)
class Box:
    """Hold the box of one object.

    Attributes:
        corners: x_min, y_min, x_max, y_max in pixels of the image as it is seen; NaN: the whole image.
        where: the line or entry that it stands in, for errors.
    """

    corners: tuple[float, float, float, float]
    where: str = ""


WHOLE_IMAGE = Box((math.nan, math.nan, math.nan, math.nan))


@dataclass(frozen=True)
class Shot:
    """Hold an image whose objects are looked for.

    Attributes:
        name: by which results and errors call it.
        content: its file, or its pixels, (H, W, 3) uint8 RGB.
        boxes: of its objects.
    """

    name: str
    content: Path | NDArray[np.uint8]
    boxes: tuple[Box, ...] = (WHOLE_IMAGE,)

    @property
    def held_bytes(self) -> int:
        """Give the memory that it takes while it waits."""
        return 0 if isinstance(self.content, Path) else self.content.nbytes

    def read(self) -> NDArray[np.uint8]:
        """Give the pixels, (H, W, 3), read from the file where there is one.

        Raises:
            UserError: a file that isn't an image, is broken or too large.
        """
        if not isinstance(self.content, Path):
            return self.content
        with _remedied():
            return read_image(self.content)

    def measure(self) -> tuple[int, int]:
        """Give width and height in pixels, without decoding the file where there is one.

        Raises:
            UserError: a file that isn't an image, is visibly broken or too large.
        """
        if not isinstance(self.content, Path):
            return self.content.shape[1], self.content.shape[0]
        with _remedied():
            return read_image_size(self.content)


@dataclass(frozen=True)
class Cut:
    """Hold what the network needs of one object.

    Attributes:
        box: (4,) in pixels of the image; the whole image where none was given.
        crop: the part that the network sees, (4,), whole pixels of the image, last row and column excluded.
        pixels: the crop and its surroundings, shrunk as the rule says, (h, w, 3).
        crop_in_pixels: the crop in pixels of `pixels`, (4,).
    """

    box: NDArray[np.float64]
    crop: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    crop_in_pixels: NDArray[np.float64]


@dataclass(frozen=True)
class CutShot:
    """Hold a shot, its width and height in pixels, and the cuts of its objects."""

    shot: Shot
    size: tuple[int, int]
    cuts: list[Cut]


def cut_shot(shot: Shot, rule: CutRule, frame_px: tuple[int, int]) -> CutShot:
    """Read an image and cut its objects out, pixel by pixel as the pipeline cuts a data set (method, section 1).

    Args:
        shot: the image.
        rule: of the crop, its context and its limit.
        frame_px: width and height of the arrays of the pipeline. Of a cut that is larger only what the network sees
            is kept: a small box in a large photograph doesn't fill the memory.

    Raises:
        UserError: an image that can't be read, or a box that leaves nothing to cut.
    """
    image = shot.read()
    height, width = image.shape[:2]
    return CutShot(shot, (width, height), _cut_objects(image, shot, rule, frame_px))


def plan_shot(shot: Shot, size: tuple[int, int], rule: CutRule) -> Cuts:
    """Plan the cuts of an image's objects, and refuse boxes from which nothing can be cut.

    Args:
        shot: the image; its file isn't read.
        size: its width and height.
        rule: of the crop.

    Raises:
        UserError: a box wholly outside the image, or one that leaves no pixel.
    """
    corners = np.array([box.corners for box in shot.boxes], dtype=np.float64).reshape(-1, 4)
    plan = plan_cuts(corners, np.tile(np.array(size, dtype=np.int64), (len(corners), 1)), rule)
    empty = set(plan.empty.tolist())
    for position, (box, inside) in enumerate(zip(shot.boxes, area_inside(corners, size).tolist(), strict=True)):
        if inside <= 0 or position in empty:
            what = (
                "leaves no pixel to crop" if inside > 0 else f"lies outside the image of {size[0]} x {size[1]} pixels"
            )
            raise UserError(
                f"the box {', '.join(f'{corner:g}' for corner in box.corners)} of {shot.name!r} {what}",
                where=box.where or None,
                remedy="give x_min, y_min, x_max, y_max in pixels of the image as it is seen",
            )
    return plan


def stack_cuts(
    cuts: Sequence[Cut],
    frame_px: tuple[int, int],
    device: torch.device,
    fused: bool = False,
    workers: Workers = ALONE,
) -> StoredImages:
    """Lay cuts into one array, as the pipeline stores a data set.

    Args:
        cuts: B objects.
        frame_px: least width and height of the array. Its size decides how positions in it are rounded.
        device: of the views.
        fused: make views in one kernel.
        workers: that share the cuts.
    """
    width, height = array_size(cuts, frame_px)
    pixels = np.stack([filled_up(cut.pixels, width, height) for cut in cuts])
    crops = np.stack([cut.crop_in_pixels for cut in cuts]).astype(np.float32)
    size = np.array([cut.pixels.shape[1::-1] for cut in cuts], dtype=np.float32)
    on_device = torch.from_numpy(crops).to(device), torch.from_numpy(size).to(device)
    return StoredImages(torch.from_numpy(pixels), *on_device, fused, workers)


def array_size(cuts: Sequence[Cut], frame_px: tuple[int, int]) -> tuple[int, int]:
    """Give width and height of an array that holds each of these cuts, `frame_px` at least."""
    widths, heights = (cut.pixels.shape[1] for cut in cuts), (cut.pixels.shape[0] for cut in cuts)
    return max(frame_px[0], *widths), max(frame_px[1], *heights)


@contextmanager
def _remedied() -> Iterator[None]:
    """Say of an image that can't be read what to do here, not what to do in a data set."""
    try:
        yield
    except UserError as fault:
        raise UserError(fault.what, where=fault.where, remedy=_REMEDY) from fault


def _cut_objects(image: NDArray[np.uint8], shot: Shot, rule: CutRule, frame_px: tuple[int, int]) -> list[Cut]:
    plan = plan_shot(shot, (image.shape[1], image.shape[0]), rule)
    cuts = []
    for box, crop, window, stored_size, crop_in_window in zip(
        plan.box, plan.crop, plan.window, plan.stored_size, plan.crop_in_store, strict=True
    ):
        pixels = cut_window(image, window, stored_size)
        if pixels.shape[1] > frame_px[0] or pixels.shape[0] > frame_px[1]:
            pixels, crop_in_window = _trimmed(pixels, crop_in_window)
        cuts.append(Cut(box, crop, pixels, crop_in_window))
    return cuts


def _trimmed(pixels: NDArray[np.uint8], crop: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Cut away what no view of a crop reaches; the crop moves by whole pixels, so that the views stay as they are."""
    around = np.ceil(_SEEN_AROUND_CROP * (crop[2:] - crop[:2])) + 2
    low = np.maximum(np.floor(crop[:2] - around), 0).astype(np.int64)
    high = np.minimum(np.ceil(crop[2:] + around), pixels.shape[1::-1]).astype(np.int64)
    return pixels[low[1] : high[1], low[0] : high[0]].copy(), crop - np.tile(low, 2)
