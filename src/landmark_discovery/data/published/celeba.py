"""CelebA by the protocol of MAFL (method, section 7)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.folder import LANDMARKS_FILE
from landmark_discovery.data.progress import with_progress
from landmark_discovery.data.published.archives import extract_files, refuse_missing
from landmark_discovery.data.published.tables import (
    FACE_POINTS,
    MEMBER_LIMIT_BYTES,
    annotations_of,
    boxes_of,
    check_size,
    refuse_absent,
    refuse_any,
    write_tables,
)
from landmark_discovery.data.readers.celeba_lists import FIVE_POINTS, read_five_points, read_names, read_partition
from landmark_discovery.data.readers.pickles import read_array_pickle
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.files import atomic_folder, holds_json, write_json
from landmark_discovery.writable import refuse_foreign_folder

# Where the images stand in each archive. The first is what the authors trained on; the pixels of the other may differ.
FOLDERS = {
    "celeba.zip": ("img_align_celeba_hq",),
    "img_align_celeba.zip": ("img_align_celeba",),
    "celeba.tar.gz": ("img_align_celeba_hq", "img_align_celeba"),
}
IMAGE_SIZE = (178, 218)
PARTITION_FILE = "list_eval_partition.txt"
MAFL_TRAIN_FILE = "mafl_training.txt"
MAFL_TEST_FILE = "mafl_testing.txt"
FIVE_POINTS_FILE = "list_landmarks_align_celeba.txt"
BOXES_FILE = "CelebABoundingBoxes.pickle"
POINTS_FILE = "MaflGroundtruthLandmarks.pickle"
FIVE_LANDMARKS_FILE = "landmarks_5.csv"
_LISTS = (PARTITION_FILE, MAFL_TRAIN_FILE, MAFL_TEST_FILE, FIVE_POINTS_FILE, BOXES_FILE, POINTS_FILE)
_TRAINING_PARTITION = 0


@dataclass(frozen=True)
class CelebaLists:
    """Say which image serves for what; all by name, sorted.

    Attributes:
        listed: all images.
        training: images to discover landmarks on, none of them in `mafl_test`.
        mafl_train: images that the regression learns from.
        mafl_test: images that are measured.
    """

    listed: list[str]
    training: list[str]
    mafl_train: list[str]
    mafl_test: list[str]

    @property
    def measured(self) -> list[str]:
        """Name the images of the evaluation: first those to learn from, then those to test on."""
        return [*self.mafl_train, *self.mafl_test]

    @property
    def used(self) -> list[str]:
        """Name the images that anything is done with."""
        return sorted({*self.training, *self.measured})


@dataclass(frozen=True)
class _Annotations:
    """Hold what is known of the images, in the order of the lists and in image pixels."""

    training_boxes: NDArray[np.float64]
    measured_boxes: NDArray[np.float64]
    points: NDArray[np.float64]
    five_points: NDArray[np.float64]


def build_celeba(downloads: Path, archive: str, output: Path) -> None:
    """Make the data set folder of CelebA and MAFL from its downloads, whole or not at all.

    The folder holds images/ (those that are used), training/samples.csv, evaluation/ with samples.csv, landmarks.csv
    (68 points) and landmarks_5.csv, and facts.json.

    Args:
        downloads: folder with the archive, the lists and the authors' pickles, by the names that they are published by.
        archive: one of `FOLDERS`.
        output: folder to write.

    Raises:
        UserError: unknown archive, a download that is missing or malformed, lists that contradict one another, a used
            image without box or points, an image that is missing or of another size, or `output` can't be written.
    """
    if archive not in FOLDERS:
        raise UserError(f"unknown archive {archive!r}", remedy=nearest_name(archive, FOLDERS))
    refuse_foreign_folder(output, _is_built)
    refuse_absent(downloads, (archive, *_LISTS))
    lists = read_celeba_lists(downloads)
    annotations = _read_annotations(downloads, lists)
    with atomic_folder(output, _is_built) as temporary:
        folder = _unpack(downloads / archive, FOLDERS[archive], lists, temporary)
        for name in with_progress(lists.used, len(lists.used), "checking images"):
            check_size(temporary / "images" / name, IMAGE_SIZE, name, downloads / archive)
        _write_tables(temporary, lists, annotations)
        write_json(temporary / "facts.json", _facts(archive, folder, lists))


def read_celeba_lists(downloads: Path) -> CelebaLists:
    """Read which images serve for what (method, section 7).

    Training images are those of partition 0 that MAFL doesn't test on.

    Raises:
        UserError: a list that is missing or malformed, lists of MAFL that overlap, or one that names unlisted images.
    """
    partition = read_partition(downloads / PARTITION_FILE)
    mafl_train = _read_mafl(downloads / MAFL_TRAIN_FILE, partition)
    mafl_test = _read_mafl(downloads / MAFL_TEST_FILE, partition)
    tested = set(mafl_test)
    twice = [name for name in mafl_train if name in tested]
    refuse_any(twice, len(mafl_train), f"are in {MAFL_TEST_FILE} too", downloads / MAFL_TRAIN_FILE)
    training = [name for name, part in partition.items() if part == _TRAINING_PARTITION and name not in tested]
    if not training:
        raise UserError("no training images in it", where=downloads / PARTITION_FILE, remedy="fetch it anew")
    return CelebaLists(sorted(partition), sorted(training), mafl_train, mafl_test)


def _read_mafl(path: Path, partition: Mapping[str, int]) -> list[str]:
    names = read_names(path)
    refuse_any([name for name in names if name not in partition], len(names), f"aren't in {PARTITION_FILE}", path)
    return sorted(names)


def _read_annotations(downloads: Path, lists: CelebaLists) -> _Annotations:
    boxes = read_array_pickle(downloads / BOXES_FILE)
    points = read_array_pickle(downloads / POINTS_FILE)
    five_points = read_five_points(downloads / FIVE_POINTS_FILE)
    return _Annotations(
        boxes_of(lists.training, boxes, downloads / BOXES_FILE),
        boxes_of(lists.measured, boxes, downloads / BOXES_FILE),
        annotations_of(lists.measured, points, (FACE_POINTS, 2), downloads / POINTS_FILE),
        annotations_of(lists.measured, five_points, (FIVE_POINTS, 2), downloads / FIVE_POINTS_FILE),
    )


def _unpack(archive: Path, folders: Sequence[str], lists: CelebaLists, output: Path) -> str:
    """Write the used images to images/; give the folder of the archive that they stood in."""
    used = set(lists.used)
    targets = {
        f"{folder}/{name}": output / folder / name if name in used else None
        for folder in folders
        for name in lists.listed
    }
    # Which folder an archive has shows only when it is read, and a .tar.gz is read once.
    unpacked = extract_files(archive, targets, MEMBER_LIMIT_BYTES, complete=False)
    found = set(with_progress(unpacked, len(lists.listed), f"unpacking {archive.name}"))
    counts = {folder: sum(f"{folder}/{name}" in found for name in lists.listed) for folder in folders}
    chosen = max(folders, key=lambda folder: counts[folder])
    refuse_missing(archive, [f"{chosen}/{name}" for name in lists.listed], found)
    (output / chosen).rename(output / "images")
    for folder in folders:
        shutil.rmtree(output / folder, ignore_errors=True)
    return chosen


def _write_tables(output: Path, lists: CelebaLists, annotations: _Annotations) -> None:
    training_splits = ["train"] * len(lists.training)
    write_tables(output / "training", _images(lists.training), training_splits, annotations.training_boxes)
    measured_splits = ["train"] * len(lists.mafl_train) + ["test"] * len(lists.mafl_test)
    landmarks = {LANDMARKS_FILE: annotations.points, FIVE_LANDMARKS_FILE: annotations.five_points}
    write_tables(output / "evaluation", _images(lists.measured), measured_splits, annotations.measured_boxes, landmarks)


def _images(names: Sequence[str]) -> list[str]:
    return [f"images/{name}" for name in names]


def _facts(archive: str, folder: str, lists: CelebaLists) -> dict[str, str | int]:
    return {
        "dataset": "celeba",
        "archive": archive,
        "folder": folder,
        "listed": len(lists.listed),
        "training": len(lists.training),
        "mafl_train": len(lists.mafl_train),
        "mafl_test": len(lists.mafl_test),
        "mafl_train_in_training": len(set(lists.mafl_train) & set(lists.training)),
    }


def _is_built(folder: Path) -> bool:
    return holds_json(folder, "facts.json", "dataset", "celeba")
