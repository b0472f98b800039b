"""The two tables of a data set, samples.csv and landmarks.csv: reading them, with faults named by line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.csv_rows import read_rows
from landmark_discovery.data.store import CORNERS, SPLITS
from landmark_discovery.errors import UserError, nearest_name

BOX_COLUMNS = CORNERS
SAMPLE_COLUMNS = ("image", "split", "subject", *BOX_COLUMNS)


@dataclass(frozen=True)
class LandmarkTable:
    """Hold the points of a landmarks.csv.

    Attributes:
        image: names of the images, M of them.
        points: (M, L, 2) in image pixels, NaN where a cell is empty.
        line: line of each image in the file.
    """

    image: list[str]
    points: NDArray[np.float64]
    line: list[int]


def read_sample_table(path: str | Path) -> pd.DataFrame:
    """Read a samples.csv; the images themselves aren't looked at.

    Returns:
        One row an image, in the order of the file: image, split and subject ("" where absent), x_min, y_min, x_max,
        y_max in image pixels (NaN where absent), line.

    Raises:
        UserError: wrong header, text in a number, too few cells, an image twice, an unknown split, a box without area
            or with some of its numbers only.
    """
    rows = read_rows(path)
    header = next(rows).cells
    _check_sample_header(path, header)
    samples = [_sample(path, dict(zip(header, row.cells, strict=True)), row.line) for row in rows]
    table = pd.DataFrame(samples, columns=[*SAMPLE_COLUMNS, "line"])
    _refuse_twins(path, table["image"].tolist(), table["line"].tolist())
    return table.astype({"line": np.int64, **dict.fromkeys(BOX_COLUMNS, np.float64)})


def read_landmark_table(path: str | Path) -> LandmarkTable:
    """Read a landmarks.csv with the columns image, x0, y0, x1, y1, ...

    Raises:
        UserError: wrong header, text in a number, too few cells, half a point, an image twice.
    """
    rows = read_rows(path)
    header = next(rows).cells
    _check_landmark_header(path, header)
    images, points, lines = [], [], []
    for row in rows:
        where = f"{path}, line {row.line}"
        images.append(_image_name(where, row.cells[0]))
        points.append(_points(where, header[1:], row.cells[1:]))
        lines.append(row.line)
    _refuse_twins(path, images, lines)
    count = (len(header) - 1) // 2
    return LandmarkTable(images, np.array(points, dtype=np.float64).reshape(len(points), count, 2), lines)


def _check_sample_header(path: str | Path, header: list[str]) -> None:
    where = f"{path}, line 1"
    for position, name in enumerate(header):
        if name not in SAMPLE_COLUMNS:
            raise UserError(f"unknown column {name!r}", where=where, remedy=_header_remedy(name))
        if name in header[:position]:
            raise UserError(f"column {name!r} stands twice", where=where, remedy="remove one of them")
    missing = [name for name in BOX_COLUMNS if name not in header]
    if "image" not in header:
        raise UserError("column 'image' is missing", where=where, remedy="name the image files in it")
    if missing and len(missing) < len(BOX_COLUMNS):
        raise UserError(
            f"column {missing[0]!r} is missing", where=where, remedy=f"a box needs {', '.join(BOX_COLUMNS)}, or none"
        )


def _header_remedy(name: str) -> str:
    return "separate the columns with commas" if ";" in name or "\t" in name else nearest_name(name, SAMPLE_COLUMNS)


def _check_landmark_header(path: str | Path, header: list[str]) -> None:
    count = max(1, math.ceil((len(header) - 1) / 2))
    expected = ["image", *(f"{axis}{index}" for index in range(count) for axis in "xy")]
    where = f"{path}, line 1"
    for position, (name, wanted) in enumerate(zip(header, expected, strict=False), start=1):
        if name != wanted:
            raise UserError(
                f"column {position} is {name!r}, not {wanted!r}",
                where=where,
                remedy="the columns are image,x0,y0,x1,y1,... in this order, separated by commas",
            )
    if len(header) < len(expected):
        raise UserError(f"column {expected[len(header)]!r} is missing", where=where, remedy="a point needs x and y")


def _sample(path: str | Path, cells: dict[str, str], line: int) -> dict[str, object]:
    where = f"{path}, line {line}"
    split = cells.get("split", "")
    if split and split not in SPLITS:
        raise UserError(f"unknown split {split!r}", where=where, remedy=nearest_name(split, SPLITS))
    return {
        "image": _image_name(where, cells["image"]),
        "split": split,
        "subject": cells.get("subject", ""),
        **_box(where, {name: cells.get(name, "") for name in BOX_COLUMNS}),
        "line": line,
    }


def _box(where: str, cells: dict[str, str]) -> dict[str, float]:
    absent = [name for name, cell in cells.items() if not cell]
    if absent and len(absent) < len(cells):
        raise UserError(
            f"the box lacks {absent[0]}", where=where, remedy=f"give all of {', '.join(BOX_COLUMNS)}, or none"
        )
    box = {name: _number(where, name, cell) for name, cell in cells.items()}
    if box["x_max"] <= box["x_min"] or box["y_max"] <= box["y_min"]:
        corners = ", ".join(cells[name] for name in BOX_COLUMNS)
        raise UserError(
            f"the box {corners} has no area", where=where, remedy="x_max must exceed x_min, and y_max y_min"
        )
    return box


def _points(where: str, columns: list[str], cells: list[str]) -> NDArray[np.float64]:
    values = np.array([_number(where, column, cell) for column, cell in zip(columns, cells, strict=True)])
    absent = np.isnan(values).reshape(-1, 2)
    halves = np.flatnonzero(absent[:, 0] != absent[:, 1])
    if halves.size:
        raise UserError(
            f"point {halves[0]} has only one coordinate", where=where, remedy="give x and y, or leave both empty"
        )
    return values


def _number(where: str, column: str, cell: str) -> float:
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if math.isinf(value) or (math.isnan(value) and column in BOX_COLUMNS):
        raise UserError(f"{column} is {cell!r}, not a number", where=where, remedy="give pixels, or an empty cell")
    return value


def _image_name(where: str, cell: str) -> str:
    if not cell:
        raise UserError("column 'image' is empty", where=where, remedy="name the image file, relative to the folder")
    name = PurePosixPath(cell.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise UserError(
            f"image {cell!r} isn't inside the data set", where=where, remedy="name files relative to the folder"
        )
    return str(name)


def _refuse_twins(path: str | Path, images: list[str], lines: list[int]) -> None:
    first: dict[str, int] = {}
    for image, line in zip(images, lines, strict=True):
        if image in first:
            raise UserError(
                f"image {image!r} stands in line {first[image]} too",
                where=f"{path}, line {line}",
                remedy="keep one of the rows",
            )
        first[image] = line
