"""A data set as a folder: images, with samples.csv and landmarks.csv where there are any."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.config.point_tables import LANDMARKS, landmark_tables
from landmark_discovery.data.images import SUFFIXES, is_image_name
from landmark_discovery.data.store import SPLITS
from landmark_discovery.data.tables import (
    BOX_COLUMNS,
    SAMPLE_COLUMNS,
    read_landmark_table,
    read_sample_table,
)
from landmark_discovery.errors import UserError

SAMPLES_FILE = "samples.csv"
LANDMARKS_FILE = f"{LANDMARKS}.csv"


@dataclass(frozen=True)
class ImageFolder:
    """List the images of a data set, before any of them is opened.

    Attributes:
        root: the folder.
        samples: one row an image, sorted by name: image (relative to the root), split and subject ("" where absent),
            x_min, y_min, x_max, y_max (NaN where absent), line (in samples.csv; 0 without one).
        landmarks: (N, L, 2) true points in image pixels, NaN where absent; None without landmarks.csv.
        tables: the folder of samples.csv and landmarks.csv.
        more_landmarks: other tables of true points beside landmarks.csv by their names, such as "landmarks_5", each as
            `landmarks`.
    """

    root: Path
    samples: pd.DataFrame
    landmarks: NDArray[np.float64] | None
    tables: Path
    more_landmarks: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        """Count the images."""
        return len(self.samples)

    @property
    def is_listed(self) -> bool:
        """Say whether samples.csv says which images belong."""
        return bool(self.samples["line"].iloc[0])

    @property
    def paths(self) -> list[Path]:
        """Give the files of the images."""
        return [self.root / image for image in self.samples["image"]]

    def where(self, position: int) -> str:
        """Say in which line of which file an image is listed."""
        return f"{self.tables / SAMPLES_FILE}, line {self.samples['line'].iloc[position]}"

    def point_tables(self) -> dict[str, NDArray[np.float64]]:
        """Give all tables of true points (N, L, 2) by their names."""
        first = {} if self.landmarks is None else {LANDMARKS: self.landmarks}
        return {**first, **self.more_landmarks}

    def without_points(self) -> ImageFolder:
        """Leave the true points out."""
        return replace(self, landmarks=None, more_landmarks={})

    def take(self, positions: NDArray[np.int64]) -> ImageFolder:
        """Keep the images at these positions."""
        return replace(
            self,
            samples=self.samples.iloc[positions].reset_index(drop=True),
            landmarks=None if self.landmarks is None else self.landmarks[positions],
            more_landmarks={name: points[positions] for name, points in self.more_landmarks.items()},
        )


def read_folder(path: str | Path, tables: str | Path | None = None, *, both_sides: bool = True) -> ImageFolder:
    """Read what a data set folder holds: its tables, and the names of its images.

    With samples.csv the images are those listed there; without, all below the folder, hidden ones and those in
    folders that are symbolic links left out. Points of an image that is there but not listed are passed over.

    Args:
        path: the folder of the images.
        tables: folder of samples.csv and the tables of points where they don't stand with the images; it must have
            samples.csv, and images stay relative to `path`.
        both_sides: whether a split needs test images; it always needs training images.

    Raises:
        UserError: no such folder, no or only one image, an image that is listed but isn't there, a faulty table, a
            split of some images only or with one of its sides empty.
    """
    root = Path(path)
    if not root.is_dir():
        what = "not a folder" if root.exists() else "no such folder"
        raise UserError(what, where=root, remedy="set `dataset.path` to a folder of images")
    table_folder = root if tables is None else Path(tables)
    listed = (table_folder / SAMPLES_FILE).is_file()
    if tables is not None and not listed:
        raise UserError(f"no {SAMPLES_FILE} in this folder", where=table_folder, remedy="list the images there")
    samples = _listed_samples(root, table_folder / SAMPLES_FILE) if listed else _found_samples(root)
    _refuse_empty(table_folder, samples, listed)
    _check_count(table_folder, samples)
    _check_given_split(table_folder / SAMPLES_FILE, samples, both_sides)
    images = samples["image"].tolist()
    points = read_points(root, table_folder, images)
    return ImageFolder(root, samples, points.pop(LANDMARKS, None), table_folder, points)


def read_points(root: Path, tables: Path, images: list[str]) -> dict[str, NDArray[np.float64]]:
    """Read the tables of true points in a folder by their names, each as points (N, L, 2) of the N images.

    Raises:
        UserError: a faulty table, or points of an image that isn't below `root`.
    """
    return {name: _landmarks_of(root, tables / f"{name}.csv", images) for name in landmark_tables(tables)}


def list_images(root: Path) -> list[str]:
    """List the image files below a folder, by names relative to it, sorted; hidden files and folders are skipped."""
    return sorted(name for name in visible_files(root) if is_image_name(name))


def visible_files(root: Path, enter: Callable[[Path], bool] = lambda _: True) -> Iterator[str]:
    """Name the files below a folder, relative to it; hidden files and folders, and links to folders, are skipped.

    Args:
        root: the folder.
        enter: tells whether a folder below it is looked into.

    Raises:
        UserError: a folder that can't be read.
    """
    for folder, subfolders, files in os.walk(root, onerror=_refuse_unreadable):
        inside = Path(folder)
        subfolders[:] = [name for name in subfolders if not name.startswith(".") and enter(inside / name)]
        yield from ((inside / name).relative_to(root).as_posix() for name in files if not name.startswith("."))


def _refuse_unreadable(error: OSError) -> None:
    # Silence would leave out the images of a whole folder.
    raise UserError(f"can't be read ({error.strerror})", where=error.filename, remedy="allow it, or move it away")


def _found_samples(root: Path) -> pd.DataFrame:
    names = list_images(root)
    for name in names:
        _check_text(root, name)
    samples = pd.DataFrame({"image": names, "split": "", "subject": ""}, dtype=object)
    return samples.assign(**dict.fromkeys(BOX_COLUMNS, np.nan), line=0)


def _check_text(root: Path, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"the name {name!r} isn't UTF-8", where=root, remedy="rename the file") from error


def _listed_samples(root: Path, path: Path) -> pd.DataFrame:
    table = read_sample_table(path)
    for image, line in zip(table["image"], table["line"], strict=True):
        where = f"{path}, line {line}"
        if not is_image_name(image):
            raise UserError(
                f"{image!r} isn't an image by its name", where=where, remedy=f"valid endings: {' '.join(SUFFIXES)}"
            )
        if not _is_there(root / image):
            raise UserError(f"image {image!r} isn't there", where=where, remedy="correct the name or remove the row")
    return table[[*SAMPLE_COLUMNS, "line"]].sort_values("image", ignore_index=True)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name that is longer than names of files can be.
        return False


def _refuse_empty(where: Path, samples: pd.DataFrame, listed: bool) -> None:
    if len(samples) == 0 and listed:
        raise UserError(
            "the table has a header and no rows",
            where=where / SAMPLES_FILE,
            remedy="give a row for each image, or remove the table to take all images of the folder",
        )
    if len(samples) == 0:
        raise UserError("no images in this folder", where=where, remedy=f"put images there ({' '.join(SUFFIXES)})")


def _check_count(where: Path, samples: pd.DataFrame) -> None:
    if len(samples) == 1:
        raise UserError(
            f"only one image, {samples['image'].iloc[0]!r}",
            where=where,
            remedy="give at least two, one to train on and one to test on",
        )


def _check_given_split(path: Path, samples: pd.DataFrame, both_sides: bool) -> None:
    given = samples["split"] != ""
    if not given.any():
        return
    if not given.all():
        line = samples.loc[~given, "line"].min()
        raise UserError(
            "the split is empty, though other rows give it",
            where=f"{path}, line {line}",
            remedy="give train or test in all rows, or in none to have a split made",
        )
    check_sides(samples["split"].to_numpy(dtype=np.str_), path, both_sides=both_sides)


def check_sides(splits: NDArray[np.str_], where: str | Path, *, both_sides: bool) -> None:
    """Refuse a split (N,) without training images or, where both sides are needed, without test images.

    Raises:
        UserError: one of the sides is empty.
    """
    for side, use in zip(SPLITS, ("learn from", "evaluate on"), strict=True):
        if side not in splits and (both_sides or side == "train"):
            raise UserError(
                f"no {'training' if side == 'train' else side} images",
                where=where,
                remedy=f"mark some with the split {side!r} to {use}, or leave out the column to have a split made",
            )


def _landmarks_of(root: Path, path: Path, images: list[str]) -> NDArray[np.float64]:
    table = read_landmark_table(path)
    positions = {image: position for position, image in enumerate(images)}
    landmarks = np.full((len(images), *table.points.shape[1:]), np.nan)
    for image, line, points in zip(table.image, table.line, table.points, strict=True):
        if image in positions:
            landmarks[positions[image]] = points
        elif not _is_there(root / image):
            raise UserError(
                f"landmarks for {image!r}, which isn't there",
                where=f"{path}, line {line}",
                remedy="correct the name or remove the row",
            )
    return landmarks
