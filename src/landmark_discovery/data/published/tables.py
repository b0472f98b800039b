"""What both data sets share: annotations by name become tables, and their images are checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.data.folder import SAMPLES_FILE
from landmark_discovery.data.images import read_image_size
from landmark_discovery.data.store import CORNERS, landmark_table
from landmark_discovery.errors import UserError

FACE_POINTS = 68
# No image and no file of points comes near it.
MEMBER_LIMIT_BYTES = 16 * 2**20
_REMEDY = "fetch it anew"


def refuse_absent(downloads: Path, names: Sequence[str]) -> None:
    """Refuse a folder that lacks downloads, before any of them is read.

    Raises:
        UserError: with the names of those that aren't there.
    """
    absent = [name for name in names if not (downloads / name).is_file()]
    if absent:
        raise UserError(
            f"{len(absent)} of {len(names)} downloads aren't there: {', '.join(absent)}",
            where=downloads,
            remedy="fetch each with `landmarks download`, or put it there by hand under this name",
        )


def annotations_of(
    names: Sequence[str], annotations: Mapping[str, NDArray[np.float64]], shape: tuple[int, ...], where: Path
) -> NDArray[np.float64]:
    """Put the annotations of images into one array.

    Args:
        names: of N images.
        annotations: by name; those of other images are passed over.
        shape: of each annotation.
        where: the file that they come from.

    Returns:
        (N, *shape), in the order of the names.

    Raises:
        UserError: images without an annotation, or with one of another shape or with numbers that aren't finite.
    """
    refuse_any([name for name in names if name not in annotations], len(names), "aren't in it", where)
    wrong = [name for name in names if annotations[name].shape != shape or not np.isfinite(annotations[name]).all()]
    size = " x ".join(map(str, shape))
    refuse_any(wrong, len(names), f"don't have {size} finite numbers", where)
    return np.array([annotations[name] for name in names], dtype=np.float64).reshape(len(names), *shape)


def boxes_of(names: Sequence[str], boxes: Mapping[str, NDArray[np.float64]], where: Path) -> NDArray[np.float64]:
    """Put the boxes of N images into one array (N, 4) of x_min, y_min, x_max, y_max in image pixels.

    Raises:
        UserError: images without a box, or with one that isn't four numbers or has no area.
    """
    flat = {name: box.reshape(-1) for name, box in boxes.items()}
    corners = annotations_of(names, flat, (len(CORNERS),), where)
    empty = np.flatnonzero((corners[:, 2:] <= corners[:, :2]).any(axis=1))
    refuse_any([names[int(index)] for index in empty], len(names), "have a box without area", where)
    return corners


def boxes_around(points: ArrayLike) -> NDArray[np.float64]:
    """Make boxes from true points (N, L, 2), as LS3D is measured (method, section 7).

    Returns:
        (N, 4) in image pixels: the ends of the points without their fractions, then the top raised by a third of the
        height.
    """
    coordinates = np.asarray(points, dtype=np.float64)
    low, high = np.trunc(coordinates.min(axis=1)), np.trunc(coordinates.max(axis=1))
    raised = low[:, 1] - (high[:, 1] - low[:, 1]) / 3
    return np.concatenate([low[:, :1], raised[:, None], high], axis=1)


def refuse_any(names: Sequence[str], total: int, fault: str, where: Path) -> None:
    """Refuse a file in which something is wrong with these images of so many.

    Raises:
        UserError: with their number and the first of them.
    """
    if names:
        raise UserError(
            f"{len(names):,} of {total:,} images {fault}, the first {names[0]!r}", where=where, remedy=_REMEDY
        )


def check_size(image: Path, size: tuple[int, int], name: str, archive: Path) -> None:
    """Check the width and height of an image by its header.

    Args:
        image: the file.
        size: that it must have, in pixels.
        name: in the archive that it comes from.
        archive: which is blamed.

    Raises:
        UserError: not an image, visibly broken, or of another size.
    """
    with blaming(archive, name):
        found = read_image_size(image)
    if found != size:
        raise UserError(
            f"{name!r} is {found[0]} x {found[1]} pixels, not {size[0]} x {size[1]}", where=archive, remedy=_REMEDY
        )


@contextmanager
def blaming(archive: Path, name: str) -> Iterator[None]:
    """Say of a fault in a file that came out of an archive, by which name and from which archive it came.

    Raises:
        UserError: in the place of the one that the block raised.
    """
    try:
        yield
    except UserError as error:
        raise UserError(f"{name!r}: {error.what}", where=archive, remedy=_REMEDY) from error


def write_tables(
    folder: Path,
    images: Sequence[str],
    splits: Sequence[str],
    boxes: NDArray[np.float64],
    landmarks: Mapping[str, NDArray[np.float64]] | None = None,
) -> None:
    """Write samples.csv, and tables of true points beside it, into a folder that is made.

    Args:
        folder: of the tables.
        images: N names relative to the data set.
        splits: "train" or "test" of each.
        boxes: (N, 4) in image pixels.
        landmarks: name of the file -> (N, L, 2) in image pixels.
    """
    folder.mkdir(parents=True)
    samples = pd.DataFrame({"image": list(images), "split": list(splits)})
    samples[list(CORNERS)] = boxes
    samples.to_csv(folder / SAMPLES_FILE, index=False)
    names = samples["image"].to_numpy(dtype=np.str_)
    for file, points in (landmarks or {}).items():
        landmark_table(names, points).to_csv(folder / file, index=False)
