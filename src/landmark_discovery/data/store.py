"""The prepared data set: every image cut once into one memory-mapped array, with what maps it back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_folder

SAMPLE_COLUMNS = ("image", "split", "subject", "width", "height")
RECTANGLES = ("box", "crop", "window")
CORNERS = ("x_min", "y_min", "x_max", "y_max")
STORED_COLUMNS = ("stored_width", "stored_height")


@dataclass(frozen=True)
class ImageStore:
    """Hold N images of one data set and where each pixel came from.

    Attributes:
        images: (N, H, W, 3) uint8 RGB, memory-mapped; image n fills the top left `stored_size[n]`, black elsewhere.
        samples: one row an image: image, split ("train" or "test"), subject, width, height (of the original), then
            box_, crop_ and window_ with x_min, y_min, x_max, y_max (original pixels), stored_width, stored_height.
            The window is the part of the original that is stored, the crop the part that the network sees.
        landmarks: (N, L, 2) true points in original pixels, NaN where an image has none; None without ground truth.
        facts: what the data set card says: name, counts, dropped images.
    """

    images: NDArray[np.uint8]
    samples: pd.DataFrame
    landmarks: NDArray[np.float64] | None
    facts: dict[str, Any]

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
    def original_size(self) -> NDArray[np.int64]:
        """Give width and height of the originals, in pixels, (N, 2)."""
        return self.samples[["width", "height"]].to_numpy(dtype=np.int64)

    @property
    def stored_size(self) -> NDArray[np.int64]:
        """Give width and height of the stored images, in store pixels, (N, 2)."""
        return self.samples[list(STORED_COLUMNS)].to_numpy(dtype=np.int64)

    def rectangle(self, kind: str) -> NDArray[np.float64]:
        """Give the "box", "crop" or "window" of each image in original pixels, (N, 4)."""
        return self.samples[[f"{kind}_{corner}" for corner in CORNERS]].to_numpy(dtype=np.float64)

    def crop_in_store(self) -> NDArray[np.float64]:
        """Give the crop of each image in store pixels, (N, 4), last row and column excluded."""
        window, crop = self.rectangle("window"), self.rectangle("crop")
        origin, extent = np.tile(window[:, :2], 2), np.tile(window[:, 2:] - window[:, :2], 2)
        return (crop - origin) / extent * np.tile(self.stored_size, 2)

    def indices(self, split: str) -> NDArray[np.int64]:
        """List the positions of the images of one split."""
        return np.flatnonzero(self.splits == split)


def write_store(folder: str | Path, store: ImageStore) -> None:
    """Write a store as a folder of images.npy, samples.csv, landmarks.csv and facts.json, whole or not at all."""
    with atomic_folder(folder) as temporary:
        np.save(temporary / "images.npy", store.images)
        store.samples.to_csv(temporary / "samples.csv", index=False)
        if store.landmarks is not None:
            landmark_table(store.names, store.landmarks).to_csv(temporary / "landmarks.csv", index=False)
        (temporary / "facts.json").write_text(json.dumps(store.facts, indent=2) + "\n", encoding="utf-8")


def read_store(folder: str | Path) -> ImageStore:
    """Open a prepared data set; its images stay on disk until they are read.

    Raises:
        UserError: the folder isn't a prepared data set.
    """
    path = Path(folder)
    try:
        images = np.load(path / "images.npy", mmap_mode="r")
        samples = pd.read_csv(path / "samples.csv", dtype={"image": str, "split": str, "subject": str})
        facts = json.loads((path / "facts.json").read_text(encoding="utf-8"))
        truth = path / "landmarks.csv"
        landmarks = _points_of_table(pd.read_csv(truth)) if truth.exists() else None
    except (OSError, ValueError) as error:
        raise UserError(
            f"not a prepared data set ({error})", where=path, remedy="make it with `landmarks prepare`"
        ) from error
    return ImageStore(images, samples, landmarks, facts)


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
