"""Write a data set of drawn faces, in the form that any other data set has."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.config.data import SyntheticSettings
from landmark_discovery.data.store import CORNERS, SPLITS, landmark_table
from landmark_discovery.data.synthetic.appearance import Person, sample_person
from landmark_discovery.data.synthetic.drawing import draw_face
from landmark_discovery.data.synthetic.template import FloatArray
from landmark_discovery.files import atomic_folder, write_json
from landmark_discovery.streaming import cpu_count

JPEG_QUALITY = 92
_SETTINGS = "synthetic.json"
# Below so many pictures a worker takes longer to start than to draw.
_PICTURES_A_WORKER = 100


@dataclass(frozen=True)
class Picture:
    """Name one picture of a data set: its place in the list, and whose it is."""

    index: int
    split: str
    identity: int
    take: int

    @property
    def name(self) -> str:
        """Give the path in the data set."""
        return f"images/{self.index:05d}.jpg"

    @property
    def subject(self) -> str:
        """Give the name of the person."""
        return f"{self.split}{self.identity:04d}"


def write_synthetic_dataset(settings: SyntheticSettings, folder: Path) -> None:
    """Draw a data set into a folder: images/, samples.csv, landmarks.csv and synthetic.json, whole or not at all.

    Equal settings give equal bytes, however many processors there are.

    Raises:
        UserError: the folder can't be written.
    """
    pictures = list_pictures(settings)
    with atomic_folder(folder, lambda found: (found / _SETTINGS).is_file()) as temporary:
        write_json(temporary / _SETTINGS, settings.model_dump(mode="json"))
        (temporary / "images").mkdir()
        points = np.stack(list(_draw_all(pictures, settings, temporary)))
        samples = _sample_table(pictures, points, settings.image_size_px)
        samples.to_csv(temporary / "samples.csv", index=False, float_format="%.3f")
        names = samples["image"].to_numpy(dtype=np.str_)
        landmark_table(names, points).to_csv(temporary / "landmarks.csv", index=False, float_format="%.3f")


def list_pictures(settings: SyntheticSettings) -> list[Picture]:
    """List the pictures in their order: first all for training, person by person."""
    counts = {"train": settings.train_identities, "test": settings.test_identities}
    takes = [
        (split, identity, take)
        for split in SPLITS
        for identity in range(counts[split])
        for take in range(settings.images_per_identity)
    ]
    return [Picture(index, *which) for index, which in enumerate(takes)]


def draw_picture(picture: Picture, seed: int, size_px: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """Draw one picture of a data set, whatever else is in it; (size, size, 3) RGB and (68, 2)."""
    person = _person(picture, seed)
    return draw_face(_generator(picture, seed, picture.take + 1), person, size_px)


def _person(picture: Picture, seed: int) -> Person:
    return sample_person(_generator(picture, seed, 0))


def _generator(picture: Picture, seed: int, last: int) -> np.random.Generator:
    """Make the generator of one picture (last = take + 1) or person (last = 0), as spawning from the seed would."""
    key = (SPLITS.index(picture.split), picture.identity, last)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _draw_all(pictures: Sequence[Picture], settings: SyntheticSettings, folder: Path) -> Iterator[FloatArray]:
    """Write all images and give the points of each, (68, 2), in order."""
    workers = min(cpu_count(), len(pictures) // _PICTURES_A_WORKER)
    seed, size = settings.seed, settings.image_size_px
    if workers < 2:
        for picture in pictures:
            yield _draw_to_file(picture, seed, size, folder)
        return
    # Started afresh, not forked: a fork would inherit the locks of threads that it doesn't have.
    context = multiprocessing.get_context("spawn")
    executor, count = ProcessPoolExecutor(workers, mp_context=context), len(pictures)
    others = set(multiprocessing.active_children())
    try:
        yield from executor.map(_draw_to_file, pictures, [seed] * count, [size] * count, [folder] * count, chunksize=16)
    except BaseException:
        # Whoever stops the drawing doesn't wait for it, nor for a worker that was about to start: that would never end.
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _draw_to_file(picture: Picture, seed: int, size_px: int, folder: Path) -> FloatArray:
    with _one_thread():
        image, points = draw_picture(picture, seed, size_px)
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1]
    (folder / picture.name).write_bytes(encoded.tobytes())
    return points


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread: pictures are drawn side by side, and their bytes must not depend on the machine."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _sample_table(pictures: Sequence[Picture], points: FloatArray, size_px: int) -> pd.DataFrame:
    """List image, split, subject and the box around the points, clipped to the image."""
    rows = [(picture.name, picture.split, picture.subject) for picture in pictures]
    table = pd.DataFrame(rows, columns=["image", "split", "subject"])
    box = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
    table[list(CORNERS)] = np.clip(box, 0, size_px - 1)
    return table
