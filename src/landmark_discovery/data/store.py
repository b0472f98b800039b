"""The prepared data set: every image cut once into one memory-mapped array, with what maps it back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.config.point_tables import LANDMARKS, landmark_tables
from landmark_discovery.data.cutting import filled_up, rectangle_in_store
from landmark_discovery.data.digest_list import LIST, check_digests, read_digests, write_digests
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_folder, holds_json, read_json

_IMAGE_COLUMNS = ("image", "split", "subject", "width", "height")
RECTANGLES = ("box", "crop", "window")
CORNERS = ("x_min", "y_min", "x_max", "y_max")
STORED_COLUMNS = ("stored_width", "stored_height")
SPLITS = ("train", "test")
# The fact that counts images of the test whose stored pixels are those of a training image.
EQUAL_IMAGES = "test_images_equal_to_training"


@dataclass(frozen=True)
class ImageStore:
    """Hold N images of one data set and where each pixel came from.

    Attributes:
        images: (N, H, W, 3) uint8 RGB, memory-mapped; image n fills the top left `stored_size[n]`; beyond it
            its last row and column go on.
        samples: one row an image: image, split ("train" or "test"), subject ("" where it isn't known), width, height
            (of the original), then box_, crop_ and window_ with x_min, y_min, x_max, y_max (original pixels),
            stored_width, stored_height.
            The window is the part of the original that is stored, the crop the part that the network sees.
        landmarks: (N, L, 2) true points in original pixels, NaN where an image has none; None without ground truth.
        facts: what the data set card says; see `dataset_facts`.
        more_landmarks: other tables of true points by their names, such as "landmarks_5", each as `landmarks`.
    """

    images: NDArray[np.uint8]
    samples: pd.DataFrame
    landmarks: NDArray[np.float64] | None
    facts: dict[str, Any]
    more_landmarks: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the images."""
        return len(self.samples)

    @property
    def names(self) -> NDArray[np.str_]:
        """Name the images: paths relative to the data set, (N,)."""
        return self.samples["image"].to_numpy(dtype=np.str_)

    @property
    def splits(self) -> NDArray[np.str_]:
        """Say of each image whether it is "train" or "test", (N,)."""
        return self.samples["split"].to_numpy(dtype=np.str_)

    @property
    def stored_size(self) -> NDArray[np.int64]:
        """Give width and height of the stored images, in store pixels, (N, 2)."""
        return self.samples[list(STORED_COLUMNS)].to_numpy(dtype=np.int64)

    def rectangle(self, kind: str) -> NDArray[np.float64]:
        """Give the "box", "crop" or "window" of each image in original pixels, (N, 4)."""
        return self.samples[[f"{kind}_{corner}" for corner in CORNERS]].to_numpy(dtype=np.float64)

    def crop_in_store(self) -> NDArray[np.float64]:
        """Give the crop of each image in store pixels, (N, 4), last row and column excluded."""
        return self._in_store("crop")

    def box_in_store(self) -> NDArray[np.float64]:
        """Give the object's box of each image in store pixels, (N, 4)."""
        return self._in_store("box")

    def _in_store(self, kind: str) -> NDArray[np.float64]:
        return rectangle_in_store(self.rectangle(kind), self.rectangle("window"), self.stored_size)

    def indices(self, split: str) -> NDArray[np.int64]:
        """List the positions of the images of one split."""
        return np.flatnonzero(self.splits == split)


def write_store(folder: str | Path, store: ImageStore) -> None:
    """Write a store as a folder, whole or not at all.

    In it are images.npy, samples.csv, tables of landmarks, facts.json, and SHA256SUMS with the digests of them all.

    Raises:
        UserError: the folder can't be written, or the disk is full.
    """
    images = (image[:height, :width] for image, (width, height) in zip(store.images, store.stored_size, strict=True))
    write_store_from(images, folder, store.samples, store.landmarks, store.facts, store.more_landmarks)


def is_store(folder: Path) -> bool:
    """Say whether a folder was written as a store."""
    return holds_json(folder, "facts.json", "images_sha256")


def write_store_from(
    images: Iterable[NDArray[np.uint8]],
    folder: str | Path,
    samples: pd.DataFrame,
    landmarks: NDArray[np.float64] | None,
    facts: dict[str, Any],
    more_landmarks: Mapping[str, NDArray[np.float64]] | None = None,
) -> None:
    """Write a store from images that come one after another, so that memory never holds them all.

    Args:
        images: one (stored_height, stored_width, 3) for each row of `samples`, in that order.
        folder: of the store; one that is there is replaced when the new one is whole.
        samples: as in `ImageStore`.
        landmarks: as in `ImageStore`.
        facts: as in `ImageStore`.
        more_landmarks: as in `ImageStore`; None: none.

    Raises:
        UserError: the folder can't be written, or the disk is full.
    """
    first = {} if landmarks is None else {LANDMARKS: landmarks}
    with atomic_folder(folder, is_store) as temporary:
        samples.to_csv(temporary / "samples.csv", index=False)
        stored_size = samples[list(STORED_COLUMNS)].to_numpy(dtype=np.int64)
        pixels, whole, each = _write_images(temporary / "images.npy", images, stored_size)
        names, splits = (samples[column].to_numpy(dtype=np.str_) for column in ("image", "split"))
        tables = {**first, **(more_landmarks or {})}
        found = {EQUAL_IMAGES: _count_equal(each, splits), "images_sha256": pixels}
        write_points_and_facts(temporary, names, tables, {**facts, **found})
        write_digests(temporary, {"images.npy": whole})


def write_points_and_facts(
    folder: Path, names: NDArray[np.str_], tables: Mapping[str, NDArray[np.float64]], facts: Mapping[str, Any]
) -> None:
    """Write the tables of true points (N, L, 2) of a store, by their names, and facts.json into its folder."""
    for name, points in tables.items():
        landmark_table(names, points).to_csv(folder / f"{name}.csv", index=False)
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "facts.json").write_text(text + "\n", encoding="utf-8")


def _count_equal(digests: list[bytes], splits: NDArray[np.str_]) -> int:
    training = {digest for digest, split in zip(digests, splits, strict=True) if split == "train"}
    return sum(digest in training for digest, split in zip(digests, splits, strict=True) if split == "test")


def _write_images(
    path: Path, images: Iterable[NDArray[np.uint8]], stored_size: NDArray[np.int64]
) -> tuple[str, str, list[bytes]]:
    """Write the images one after another and give the sha256 of their pixels, that of the file, and one of each."""
    width, height = stored_size.max(axis=0).tolist()
    header = BytesIO()
    shape = (len(stored_size), height, width, 3)
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    pixels, whole = hashlib.sha256(), hashlib.sha256(header.getvalue())
    each = []
    with path.open("wb") as file:
        file.write(header.getvalue())
        # Written row by row and not through a memory map, in which a full disk kills the process without a word.
        for image, (image_width, image_height) in zip(images, stored_size, strict=True):
            row = np.ascontiguousarray(filled_up(image, width, height))
            pixels.update(row.data)
            whole.update(row.data)
            each.append(hashlib.sha256(b"%d %d " % (image_width, image_height) + image.tobytes()).digest())
            file.write(row.data)
    return pixels.hexdigest(), whole.hexdigest(), each


def dataset_facts(
    name: str,
    kind: str,
    samples: pd.DataFrame,
    landmarks: NDArray[np.float64] | None,
    *,
    split_made: bool = False,
    dropped: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Sum up a data set for its card.

    Args:
        name: of the data set.
        kind: "synthetic", "folder", "celeba" or "ls3d", as in the settings.
        samples: as in `ImageStore`.
        landmarks: as in `ImageStore`.
        split_made: whether the split was drawn here and not given.
        dropped: image and reason of each image that was left out.

    Returns:
        name, kind, images, train_images, test_images, subjects and subjects_on_both_sides (None where none is known),
        points and images_with_points (None without ground truth), width_px and height_px (smallest and largest),
        split ("made" or "given"), dropped.
    """
    known = samples[samples["subject"] != ""]
    sides = known.groupby("subject")["split"].nunique()
    return {
        "name": name,
        "kind": kind,
        "images": len(samples),
        "train_images": int((samples["split"] == "train").sum()),
        "test_images": int((samples["split"] == "test").sum()),
        "subjects": len(sides) or None,
        "subjects_on_both_sides": int((sides > 1).sum()) if len(sides) else None,
        **point_facts(landmarks),
        "width_px": [int(samples["width"].min()), int(samples["width"].max())],
        "height_px": [int(samples["height"].min()), int(samples["height"].max())],
        "split": "made" if split_made else "given",
        "dropped": [dict(entry) for entry in dropped],
    }


def point_facts(landmarks: NDArray[np.float64] | None) -> dict[str, int | None]:
    """Count the true points of an image, and the images that have any; None without ground truth."""
    return {
        "points": None if landmarks is None else landmarks.shape[1],
        "images_with_points": None if landmarks is None else int((~np.isnan(landmarks).all(axis=(1, 2))).sum()),
    }


def read_store(folder: str | Path) -> ImageStore:
    """Open a prepared data set; its images stay on disk until they are read.

    One that another process replaces meanwhile is opened anew, so that all its files belong together.

    Raises:
        UserError: the folder isn't a prepared data set, or one of its files has changed since it was written.
    """
    path, store = Path(folder), None
    try:
        while store is None:
            store = _opened_unchanged(path)
    except Exception as error:  # NumPy and pandas tell of a damaged file by a dozen kinds of error
        raise UserError(
            f"not a prepared data set ({error})", where=path, remedy="make it with `landmarks prepare`"
        ) from error
    return store


def _opened_unchanged(path: Path) -> ImageStore | None:
    """Open a store; None where another process has put another folder in its place meanwhile."""
    # As long as the folder is open, no other one has its number.
    handle = os.open(path, os.O_RDONLY)
    try:
        store = _open_store(path)
        return store if _is_at(handle, path) else None
    except Exception:
        if _is_at(handle, path):
            raise
        return None
    finally:
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    return os.path.samestat(os.fstat(handle), path.stat())


def _open_store(path: Path) -> ImageStore:
    images = np.lib.format.open_memmap(path / "images.npy", mode="r")
    samples = _read_samples(path / "samples.csv")
    facts = read_json(path / "facts.json")
    tables = {name: _points_of_table(pd.read_csv(path / f"{name}.csv")) for name in landmark_tables(path)}
    if {len(samples), *map(len, tables.values())} != {len(images)}:
        raise ValueError("its files don't have the same number of images")
    _check_images(images, samples)
    if (path / "images.npy").stat().st_size != images.offset + images.nbytes:
        raise ValueError("images.npy is longer than its images")
    names = ["images.npy", "samples.csv", "facts.json", *(f"{name}.csv" for name in tables)]
    listed = read_digests(path)
    strange = set(names if listed is None else listed) ^ set(names)
    if strange:
        raise ValueError(f"of its files and {LIST}, only one knows {min(strange)}")
    check_digests(path, names)
    return ImageStore(images, samples, tables.pop(LANDMARKS, None), facts, tables)


def _read_samples(path: Path) -> pd.DataFrame:
    # Without `keep_default_na=False` a subject called NA would be none.
    text = {"image": str, "split": str, "subject": str}
    samples = pd.read_csv(path, dtype=text, keep_default_na=False)
    corners = [f"{kind}_{corner}" for kind in RECTANGLES for corner in CORNERS]
    missing = [name for name in (*_IMAGE_COLUMNS, *corners, *STORED_COLUMNS) if name not in samples]
    if missing:
        raise ValueError(f"samples.csv lacks the column {missing[0]}")
    if not samples["split"].isin(SPLITS).all():
        raise ValueError(f"samples.csv has splits that are none of {', '.join(SPLITS)}")
    numbers = samples[["width", "height", *corners, *STORED_COLUMNS]].to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("samples.csv lacks numbers")
    return samples


def _check_images(images: NDArray[Any], samples: pd.DataFrame) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"images.npy holds {images.dtype} of the shape {images.shape}, not uint8 (N, H, W, 3)")
    stored = samples[list(STORED_COLUMNS)].to_numpy(dtype=np.float64)
    if (stored % 1 != 0).any() or (stored < 1).any() or (stored > images.shape[2:0:-1]).any():
        raise ValueError("samples.csv has sizes that its images can't have")


def landmark_table(names: NDArray[np.str_], landmarks: NDArray[np.float64]) -> pd.DataFrame:
    """Lay points (N, L, 2) out as a table with the columns image, x0, y0, x1, y1, ..."""
    count = landmarks.shape[1]
    columns = [f"{axis}{index}" for index in range(count) for axis in "xy"]
    table = pd.DataFrame(landmarks.reshape(len(landmarks), -1), columns=columns)
    table.insert(0, "image", names)
    return table


def _points_of_table(table: pd.DataFrame) -> NDArray[np.float64]:
    values = table.drop(columns="image").to_numpy(dtype=np.float64)
    return values.reshape(len(values), -1, 2)
