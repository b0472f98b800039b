"""Which images of a collection count as photographs to train on, and for which side of the split.

A wallpaper need not be a photograph. What counts is texture: drawings of smooth colours have nothing to detect and go.
So do other sizes and dark variants of a picture that is there already: they would stand on both sides of the split.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.config.photographs import PhotographSettings
from landmark_discovery.data.images import quiet_decoder, read_image
from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError

COLUMNS = (
    "package",
    "version",
    "file",
    "sha256",
    "width_px",
    "height_px",
    "licence",
    "author",
    "split",
    "used",
)
TABLE = "photographs.csv"
USED = "yes"
# Texture is measured at this length of the shorter side, so that it doesn't depend on the resolution.
TEXTURE_SIDE_PX = 480
TEXTURE_CELL_PX = 8
TEXTURE_DEVIATION = 4.0
THUMBNAIL_PX = 8
# Two landscapes with a bright sky reach 0.9, the same picture in two sizes 0.99.
MAX_CORRELATION = 0.95
_SIZE_IN_NAME = re.compile(r"_?\d+x\d+")
_SHADE_IN_NAME = re.compile(r"[-_](d|l|dark|light)$", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """Describe an image that may be used.

    Attributes:
        path: where it lies.
        file: its path in its package or folder.
        picture: equal for all variants of a picture that their names give away.
        package: name of the package; this and what follows is empty for images of a folder.
        version: of the package.
        licence: as the package says.
        author: likewise.
    """

    path: Path
    file: str
    picture: str
    package: str = ""
    version: str = ""
    licence: str = ""
    author: str = ""

    @property
    def name(self) -> str:
        """Give the path below the folder of the collection."""
        return str(PurePosixPath(self.package, self.file))


@dataclass(frozen=True)
class Look:
    """Hold what the choice needs of an image.

    Attributes:
        sha256: of the file's bytes.
        width_px: of the image.
        height_px: likewise.
        texture: share of its cells that are not smooth, see `texture_share`.
        thumbnail: (64,) grey values with mean 0 and length 1; all 0 where they are equal.
    """

    sha256: str
    width_px: int
    height_px: int
    texture: float
    thumbnail: NDArray[np.float64]


def choose_photographs(candidates: Sequence[Candidate], settings: PhotographSettings) -> pd.DataFrame:
    """Decide which images are used, and for which side of the split.

    Returns:
        One row a candidate, in the same order, with the columns `COLUMNS`; what isn't known of an image that can't be
        read is empty.
    """
    seen = [_look_at(candidate.path) for candidate in candidates]
    faults = [
        _name_fault(candidate.file) or (look if isinstance(look, str) else _fault(look, settings))
        for candidate, look in zip(candidates, seen, strict=True)
    ]
    usable = {index: look for index, look in enumerate(seen) if isinstance(look, Look) and not faults[index]}
    twins = {index: candidates[twin].name for index, twin in _twins(candidates, usable).items()}
    used = [fault or (f"variant of {twins[index]}" if index in twins else USED) for index, fault in enumerate(faults)]
    rows = [_row(*facts, settings.test_share) for facts in zip(candidates, seen, used, strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def split_of(sha256: str, test_share: float) -> str:
    """Choose train or test by nothing but the last 16 digits of a file's digest, so that other files don't move it."""
    return "test" if int(sha256[-16:], 16) < test_share * 2**64 else "train"


def texture_share(grey: NDArray[np.uint8]) -> float:
    """Measure texture: the share of cells of 8 x 8 px whose grey values deviate by more than 4.

    An image (H, W) whose shorter side exceeds 480 px is shrunk to it before; what is left at the right and bottom of
    whole cells doesn't count.
    """
    small = _shrunk(grey, TEXTURE_SIDE_PX)
    rows, columns = (length // TEXTURE_CELL_PX for length in small.shape)
    whole = small[: rows * TEXTURE_CELL_PX, : columns * TEXTURE_CELL_PX].astype(np.float64)
    cells = whole.reshape(rows, TEXTURE_CELL_PX, columns, TEXTURE_CELL_PX)
    return float((cells.std(axis=(1, 3)) > TEXTURE_DEVIATION).mean()) if cells.size else 0.0


def picture_name(file: str) -> str:
    """Take sizes and words for dark and light out of a path, as packages of wallpapers name variants of a picture."""
    parts = PurePosixPath(file).with_suffix("").parts
    return "/".join(_SHADE_IN_NAME.sub("", _SIZE_IN_NAME.sub("", part)) for part in parts)


def read_grey(path: Path) -> NDArray[np.uint8]:
    """Read an image as grey values (H, W).

    Raises:
        UserError: it can't be read.
    """
    try:
        with quiet_decoder():
            return np.asarray(cv2.cvtColor(read_image(path), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    except UserError as error:
        # Of data sets one may skip what can't be read.
        remedy = "leave it out of the folder, and collect the photographs anew"
        raise UserError(error.what, where=error.where, remedy=remedy) from error


def _look_at(path: Path) -> Look | str:
    """Look at an image, or say why it can't be read."""
    try:
        grey = read_grey(path)
    except UserError as error:
        return f"can't be read: {error.what}"
    height, width = grey.shape
    return Look(digest_of(path, "sha256").value, width, height, texture_share(grey), _thumbnail(grey))


def _row(candidate: Candidate, look: Look | str, used: str, test_share: float) -> dict[str, object]:
    facts = {name: getattr(candidate, name) for name in COLUMNS if hasattr(candidate, name)}
    if isinstance(look, Look):
        facts |= {"width_px": look.width_px, "height_px": look.height_px, "sha256": look.sha256}
        facts |= {"split": split_of(look.sha256, test_share)}
    return {**dict.fromkeys(COLUMNS, ""), **facts, "used": used}


def _name_fault(file: str) -> str:
    try:
        file.encode()
    except UnicodeEncodeError:
        return "its name isn't UTF-8"
    return "" if file == file.strip() else "its name begins or ends with a blank"


def _fault(look: Look, settings: PhotographSettings) -> str:
    if min(look.width_px, look.height_px) < settings.min_side_px:
        return f"smaller than {settings.min_side_px} px"
    return f"too smooth: texture {look.texture:.3f}" if look.texture < settings.min_texture else ""


def _twins(candidates: Sequence[Candidate], usable: dict[int, Look]) -> dict[int, int]:
    """Find for each variant of a picture the largest image of it, which isn't one; both by their positions."""
    by_size = sorted(usable, key=lambda index: -usable[index].width_px * usable[index].height_px)
    kept: dict[str, int] = {}
    thumbnails = np.zeros((len(usable), THUMBNAIL_PX**2))
    twins = {}
    for index in by_size:
        alike = np.flatnonzero(thumbnails[: len(kept)] @ usable[index].thumbnail > MAX_CORRELATION)
        if candidates[index].picture in kept:
            twins[index] = kept[candidates[index].picture]
        elif alike.size:
            twins[index] = list(kept.values())[alike[0]]
        else:
            thumbnails[len(kept)] = usable[index].thumbnail
            kept[candidates[index].picture] = index
    return twins


def _thumbnail(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    small = cv2.resize(grey.astype(np.float32), (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    centred = np.asarray(small, dtype=np.float64).ravel() - small.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > 0 else np.zeros_like(centred)


def _shrunk(grey: NDArray[np.uint8], shorter_side_px: int) -> NDArray[np.uint8]:
    height, width = grey.shape
    factor = shorter_side_px / min(height, width)
    if factor >= 1:
        return grey
    size = (round(width * factor), round(height * factor))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
