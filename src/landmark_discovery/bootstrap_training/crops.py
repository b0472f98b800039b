"""Grey squares cut out of the collected photographs: what the training sees of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from landmark_discovery.bootstrap_training.photograph_choice import COLUMNS, TABLE, USED, read_grey, texture_share
from landmark_discovery.config.photographs import CELL_PX, PhotographSettings
from landmark_discovery.csv_rows import read_rows
from landmark_discovery.data.store import SPLITS
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.files import cast_array, read_npz, write_npz

REDRAWS = 10
MAX_BYTES = 2**31
_ARRAYS = ("images", "photograph", "split")


@dataclass(frozen=True)
class Photograph:
    """Describe a photograph of a collection.

    Attributes:
        row: of the table of photographs, from 0 on.
        path: the image.
        sha256: of its bytes.
        split: train or test.
    """

    row: int
    path: Path
    sha256: str
    split: str


@dataclass(frozen=True)
class Crops:
    """Hold N squares.

    Attributes:
        images: (N, S, S) grey values.
        photograph: (N,) rows of the table of photographs, from 0 on.
        split: (N,) train or test, the photograph's.
    """

    images: NDArray[np.uint8]
    photograph: NDArray[np.int64]
    split: NDArray[np.str_]


def cut_crops(photographs_folder: Path, settings: PhotographSettings, seed: int, output: Path) -> None:
    """Cut squares out of the photographs that `collect_photographs` wrote, into an .npz file of `Crops`.

    Raises:
        UserError: no such collection, a photograph that can't be read or is too small, none with texture, or squares
            of more than `MAX_BYTES`.
    """
    crops = cut_photographs(read_photographs(photographs_folder), settings, seed)
    write_npz(output, {name: getattr(crops, name) for name in _ARRAYS})


def read_crops(path: Path) -> Crops:
    """Read what `cut_crops` wrote.

    Raises:
        UserError: no such file, another kind of file, no squares, or squares that aren't of whole cells.
    """
    arrays = read_npz(path, _ARRAYS)
    fault = _fault(arrays)
    if fault:
        raise UserError(fault, where=path, remedy="make it anew by `landmarks cut-photographs`")
    return Crops(arrays["images"], cast_array(arrays, "photograph", np.int64), cast_array(arrays, "split", np.str_))


def read_photographs(folder: Path) -> list[Photograph]:
    """List the photographs of a collection that are used.

    Raises:
        UserError: no table, another one, or a row without a digest or a side of the split.
    """
    rows = read_rows(folder / TABLE)
    header = next(rows).cells
    if tuple(header) != COLUMNS:
        raise UserError(
            f"the columns are {','.join(header)}",
            where=folder / TABLE,
            remedy=f"make the folder by `landmarks collect-photographs`; needed: {','.join(COLUMNS)}",
        )
    listed = [(dict(zip(header, row.cells, strict=True)), row.line) for row in rows]
    return [_photograph(folder, index, *row) for index, row in enumerate(listed) if row[0]["used"] == USED]


def cut_photographs(photographs: Sequence[Photograph], settings: PhotographSettings, seed: int) -> Crops:
    """Cut random squares, each between `crop_px` and its photograph's shorter side, and shrink them to `crop_px`.

    Sizes are log-uniform and places uniform. A square with less texture than `min_texture` is drawn again, `REDRAWS`
    times at most, and then left out. What is cut out of a photograph depends on its own bytes and the seed alone.

    Raises:
        UserError: a photograph that can't be read or is too small, no square at all, or more than `MAX_BYTES` of them.
    """
    images = _room(len(photographs), settings)
    sources: list[Photograph] = []
    for photograph in photographs:
        for image in _cut(photograph, settings, seed):
            images[len(sources)] = image
            sources.append(photograph)
    if not sources:
        raise UserError(
            f"{len(photographs)} photographs gave no square with enough texture",
            remedy="lower `photographs.min_texture`, or give other photographs",
        )
    return Crops(
        images[: len(sources)],
        np.array([source.row for source in sources], dtype=np.int64),
        np.array([source.split for source in sources], dtype=np.str_),
    )


def _fault(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Say what of the arrays isn't as `Crops` has it; "" where all is."""
    images, photograph, split = (arrays[name] for name in _ARRAYS)
    count, *sides = images.shape or (0,)
    if images.dtype != np.uint8 or len(sides) != 2 or sides[0] != sides[1]:
        return f"the images are {images.dtype} of the shape {images.shape}, not uint8 squares (N, S, S)"
    if 0 in images.shape or sides[0] % CELL_PX:
        return f"{count} squares of {sides[0]} px; at least one is needed, and sides divisible by {CELL_PX}"
    if photograph.shape != (count,) or photograph.dtype.kind not in "iu":
        return f"array 'photograph' is {photograph.dtype} of the shape {photograph.shape}, not {count} whole numbers"
    if split.shape != (count,) or split.dtype.kind != "U":
        return f"array 'split' is {split.dtype} of the shape {split.shape}, not {count} texts"
    unknown = sorted(set(split.tolist()) - set(SPLITS))
    return f"unknown split {unknown[0]!r}; valid: {', '.join(SPLITS)}" if unknown else ""


def _room(photographs: int, settings: PhotographSettings) -> NDArray[np.uint8]:
    shape = (photographs * settings.crops_per_photograph, settings.crop_px, settings.crop_px)
    if math.prod(shape) > MAX_BYTES:
        raise UserError(
            f"{photographs} photographs with {settings.crops_per_photograph} squares of {settings.crop_px} px each "
            f"would be {math.prod(shape):,} bytes; at most {MAX_BYTES:,} are held",
            remedy="lower `photographs.crops_per_photograph` or `photographs.crop_px`",
        )
    return np.empty(shape, dtype=np.uint8)


def _photograph(folder: Path, row: int, cells: Mapping[str, str], line: int) -> Photograph:
    where, remedy = f"{folder / TABLE}, line {line}", "collect the photographs anew"
    if not re.fullmatch("[0-9a-f]{64}", cells["sha256"]):
        raise UserError(f"{cells['sha256']!r} is no sha256", where=where, remedy=remedy)
    if cells["split"] not in SPLITS:
        raise UserError(f"unknown split {cells['split']!r}", where=where, remedy=nearest_name(cells["split"], SPLITS))
    name = PurePosixPath(cells["package"], cells["file"])
    if "\0" in str(name) or ".." in name.parts or name.is_absolute():
        raise UserError(f"image {cells['file']!r} isn't inside the folder", where=where, remedy=remedy)
    return Photograph(row, folder / name, cells["sha256"], cells["split"])


def _cut(photograph: Photograph, settings: PhotographSettings, seed: int) -> Iterator[NDArray[np.uint8]]:
    grey = read_grey(photograph.path)
    if min(grey.shape) < settings.crop_px:
        raise UserError(
            f"{grey.shape[1]} x {grey.shape[0]} pixels; squares need {settings.crop_px}",
            where=photograph.path,
            remedy="lower `photographs.crop_px`, or collect the photographs anew",
        )
    generator = np.random.default_rng([seed, int(photograph.sha256[:16], 16)])
    for _ in range(settings.crops_per_photograph):
        drawn = (_draw_square(grey, settings.crop_px, generator) for _ in range(1 + REDRAWS))
        square = next((square for square in drawn if texture_share(square) >= settings.min_texture), None)
        if square is not None:
            yield square


def _draw_square(grey: NDArray[np.uint8], size_px: int, generator: Generator) -> NDArray[np.uint8]:
    height, width = grey.shape
    longest = min(height, width)
    side = min(longest, round(math.exp(generator.uniform(math.log(size_px), math.log(longest)))))
    x, y = (int(generator.integers(length - side + 1)) for length in (width, height))
    part = grey[y : y + side, x : x + side]
    return np.asarray(cv2.resize(part, (size_px, size_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)
