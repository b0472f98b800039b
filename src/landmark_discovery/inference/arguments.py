"""What callers of the Python interface give, checked and put in order."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.errors import UserError
from landmark_discovery.inference.boxes import LARGEST_COORDINATE_PX
from landmark_discovery.inference.shots import WHOLE_IMAGE, Box, Shot

Image = str | Path | NDArray[np.uint8]
Thing = TypeVar("Thing")


def shots_of(images: Iterable[Image], boxes: Iterable[ArrayLike | None] | None) -> list[Shot]:
    """Put images and the boxes of their objects together; see `LandmarkDetector.predict`.

    Raises:
        UserError: a single image or another thing in place of a list, an array that is no image, boxes for another
            number of images, or a box without area or beyond any image.
    """
    if isinstance(images, str | Path | np.ndarray):
        raise UserError("images is a single image", remedy="give a list: predict([image])")
    listed = _listed(images, "images")
    given = [None] * len(listed) if boxes is None else _listed(boxes, "boxes")
    if len(given) != len(listed):
        raise UserError(f"boxes has {len(given)} entries for {len(listed)} images", remedy="give one for each")
    return [
        Shot(*_named(image, f"images[{position}]"), _boxes_of(box, f"boxes[{position}]"))
        for position, (image, box) in enumerate(zip(listed, given, strict=True))
    ]


def _listed(things: Iterable[Thing], name: str) -> list[Thing]:
    try:
        return list(things)
    except TypeError as error:
        raise UserError(f"{name} is {things!r}", remedy="give a list with an entry for each image") from error


def _named(image: Image, name: str) -> tuple[str, Path | NDArray[np.uint8]]:
    if isinstance(image, str | Path):
        return str(image), Path(image)
    if not isinstance(image, np.ndarray):
        described = type(image).__name__
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        described = f"an array of {image.dtype} {image.shape}"
    else:
        return name, image
    raise UserError(
        f"{described} is no image", where=name, remedy="give a file name, or an array of uint8 RGB, (H, W, 3)"
    )


def _boxes_of(given: ArrayLike | None, where: str) -> tuple[Box, ...]:
    if given is None:
        return (WHOLE_IMAGE,)
    remedy = "give x_min, y_min, x_max, y_max, or several such rows"
    try:
        corners = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError("not numbers", where=where, remedy=remedy) from error
    if corners.shape == (0,):
        # An empty list: an image without objects.
        return ()
    if corners.ndim not in (1, 2) or corners.shape[-1] != 4:
        raise UserError(f"the shape is {corners.shape}, not (4,) or (M, 4)", where=where, remedy=remedy)
    rows = corners.reshape(-1, 4)
    # NaN compares as False.
    if not (np.isfinite(rows).all() and (rows[:, 2:] > rows[:, :2]).all()):
        raise UserError("a box has no area", where=where, remedy="x_max must exceed x_min, and y_max y_min")
    if (np.abs(rows) > LARGEST_COORDINATE_PX).any():
        raise UserError("a box lies beyond any image", where=where, remedy="give pixels of the image")
    return tuple(Box((x_min, y_min, x_max, y_max), where) for x_min, y_min, x_max, y_max in rows.tolist())
