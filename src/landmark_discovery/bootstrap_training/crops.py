"""Grey squares cut out of the collected photographs: what the training sees of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from landmark_discovery.bootstrap_training.photograph_choice import COLUMNS, TABLE, USED, read_grey, texture_share
from landmark_discovery.config.photographs import PhotographSettings
from landmark_discovery.data.csv_rows import read_rows
from landmark_discovery.data.tables import SPLITS
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.files import cast_array, read_npz, write_npz

REDRAWS = 10
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
        UserError: no such collection, a photograph that can't be read or is too small, or none with texture.
    """
    crops = cut_photographs(read_photographs(photographs_folder), settings, seed)
    write_npz(output, {name: getattr(crops, name) for name in _ARRAYS})


def read_crops(path: Path) -> Crops:
    """Read what `cut_crops` wrote.

    Raises:
        UserError: no such file, or another kind of file.
    """
    arrays = read_npz(path, _ARRAYS)
    crops = Crops(
        cast_array(arrays, "images", np.uint8),
        cast_array(arrays, "photograph", np.int64),
        cast_array(arrays, "split", np.str_),
    )
    count = len(crops.images)
    shapes = [array.shape for array in (crops.images, crops.photograph, crops.split)]
    if crops.images.ndim != 3 or shapes != [(count, *[crops.images.shape[1]] * 2), (count,), (count,)]:
        raise UserError(f"arrays of the shapes {shapes} are no squares", where=path, remedy="make it anew")
    return crops


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
        UserError: a photograph that can't be read or is too small, or no square at all.
    """
    found = [(photograph, image) for photograph in photographs for image in _cut(photograph, settings, seed)]
    if not found:
        raise UserError(
            f"{len(photographs)} photographs gave no square with enough texture",
            remedy="lower `photographs.min_texture`, or give other photographs",
        )
    return Crops(
        np.stack([image for _, image in found]),
        np.array([photograph.row for photograph, _ in found], dtype=np.int64),
        np.array([photograph.split for photograph, _ in found], dtype=np.str_),
    )


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
