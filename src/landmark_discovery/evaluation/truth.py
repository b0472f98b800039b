"""Ground truth for the evaluation, read from samples.csv and landmarks.csv."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.config.point_tables import LANDMARKS, landmark_tables
from landmark_discovery.config.protocol_fit import require_table
from landmark_discovery.data.digest_list import check_digests
from landmark_discovery.data.store import CORNERS, SPLITS
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.tables import numbers, read_table
from landmark_discovery.geometry import FloatArray


@dataclass(frozen=True)
class GroundTruth:
    """Hold what is known of N images, in pixels of the original images.

    Attributes:
        image: names of the images, (N,), none twice.
        split: "train" or "test", (N,); "" where the predictions decide.
        landmarks: true points (N, L, 2), NaN: the image lacks that point; None without ground truth.
        box: (N, 4) as x_min, y_min, x_max, y_max, NaN: no box; None where the samples have none.
        crop: what the network saw, (N, 4); None where the samples don't say.
        height: of the images, (N,); None where the samples don't say.
    """

    image: NDArray[np.str_]
    split: NDArray[np.str_]
    landmarks: FloatArray | None = None
    box: FloatArray | None = None
    crop: FloatArray | None = None
    height: FloatArray | None = None


def read_truth(samples: str | Path | None, landmarks: str | Path | None) -> GroundTruth:
    """Read the ground truth of a data set.

    Args:
        samples: CSV with `image` and, each where known, split, box (x_min, y_min, x_max, y_max or box_x_min, ...),
            crop_x_min, ... and height: a plain samples.csv or a prepared data set's. None: the images of `landmarks`.
        landmarks: CSV with image, x0, y0, x1, y1, ...; an empty cell is a missing point. None: no ground truth.

    Returns:
        One entry an image of `samples`; those that `landmarks` doesn't list have NaN.

    Raises:
        UserError: neither file is given, a file is missing or malformed, an image stands twice, or landmarks belong to
            an image that isn't in the samples.
    """
    where = samples if samples is not None else landmarks
    if where is None:
        raise UserError("neither samples nor landmarks to compare with", remedy="give at least one of them")
    table = read_table(where)
    names = table["image"].to_numpy(dtype=np.str_)
    box = _read_rectangle(table, "box_", where)
    return GroundTruth(
        image=names,
        split=_read_split(table, where),
        landmarks=None if landmarks is None else _read_points(names, landmarks),
        box=_read_rectangle(table, "", where) if box is None else box,
        crop=_read_rectangle(table, "crop_", where),
        height=numbers(table, ["height"], where)[:, 0] if "height" in table else None,
    )


def read_folder_truth(folder: str | Path, table: str = LANDMARKS) -> GroundTruth:
    """Read samples.csv and a table of true points of a folder, such as a prepared data set.

    Args:
        folder: with samples.csv and, where there is ground truth, landmarks.csv and others beside it.
        table: name of the points' table without its ending; where the default isn't there, there is no ground truth.

    Raises:
        UserError: as in `read_truth`, another table than the default isn't there, or a prepared table has changed.
    """
    path = Path(folder)
    landmarks = path / f"{table}.csv"
    check_digests(path, ["samples.csv", landmarks.name])
    if not landmarks.exists():
        require_table(table, landmark_tables(path), path)
        return read_truth(path / "samples.csv", None)
    return read_truth(path / "samples.csv", landmarks)


def _read_split(table: pd.DataFrame, where: str | Path) -> NDArray[np.str_]:
    if "split" not in table:
        return np.full(len(table), "", dtype="U5")
    split = table["split"].to_numpy(dtype=np.str_)
    wrong = ~np.isin(split, (*SPLITS, ""))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(
            f"split of {table['image'].iloc[row]!r} is {str(split[row])!r}", where=where, remedy="valid: train, test"
        )
    return split


def _read_rectangle(table: pd.DataFrame, prefix: str, where: str | Path) -> FloatArray | None:
    columns = [f"{prefix}{corner}" for corner in CORNERS]
    if not set(columns) & set(table.columns):
        return None
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise UserError(f"column {lacking[0]!r} is missing", where=where, remedy=f"needed: {', '.join(columns)}")
    return numbers(table, columns, where)


def _read_points(names: NDArray[np.str_], path: str | Path) -> FloatArray:
    table = read_table(path)
    count = (len(table.columns) - 1) // 2
    columns = [f"{axis}{index}" for index in range(count) for axis in "xy"]
    if count == 0 or list(table.columns) != ["image", *columns]:
        raise UserError(
            f"the header is {','.join(table.columns)[:80]!r}", where=path, remedy="it must be image,x0,y0,x1,y1,..."
        )
    stranger = ~table["image"].isin(names)
    if stranger.any():
        raise UserError(
            f"landmarks of image {table['image'][stranger].iloc[0]!r}, which isn't in the samples",
            where=path,
            remedy="spell it as in the samples, or take the row out",
        )
    values = numbers(table, columns, path).reshape(len(table), count, 2)
    # A point with one coordinate is none.
    whole = np.where(np.isnan(values).any(axis=-1, keepdims=True), np.nan, values)
    points = np.full((len(names), count, 2), np.nan)
    points[pd.Index(names).get_indexer(pd.Index(table["image"]))] = whole
    return points
