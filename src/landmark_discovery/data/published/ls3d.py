"""LS3D: training images of 300W-LP, test images of LS3D-W balanced (method, section 7)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.folder import LANDMARKS_FILE
from landmark_discovery.data.images import read_image_size
from landmark_discovery.data.progress import with_progress
from landmark_discovery.data.published.archives import extract_files, list_files
from landmark_discovery.data.published.tables import (
    FACE_POINTS,
    MEMBER_LIMIT_BYTES,
    annotations_of,
    blaming,
    boxes_around,
    boxes_of,
    check_size,
    refuse_absent,
    refuse_any,
    write_tables,
)
from landmark_discovery.data.readers.matlab import read_matlab_points
from landmark_discovery.data.readers.pickles import read_array_pickle
from landmark_discovery.data.readers.torch7 import read_torch7
from landmark_discovery.data.synthetic.face_model import mirror_order
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_folder, holds_json, write_json
from landmark_discovery.writable import refuse_foreign_folder

TRAINING_ARCHIVE = "300W-LP.zip"
TEST_ARCHIVE = "LS3D-W-balanced-20-03-2017.zip"
BOXES_FILE = "300W_LPBoundingBoxes.pickle"
IMAGE_SIZE_PX = 450
REGRESSOR_IMAGES = 1_000
_TRAINING_FOLDER = "300W_LP"
_TEST_FOLDER = "new_dataset"
_MIRRORED = "_Flip"
# The authors' boxes name the images from the folder of the sets on, or from the one above it.
_KEY = re.compile(rf"(?:\./|/)?(?:{_TRAINING_FOLDER}/)?(\w[\w-]*)/(\w[\w.() +-]*)\.jpg", re.ASCII)
_TEST_NAME = re.compile(r"\w[\w.() +-]*", re.ASCII)


@dataclass(frozen=True)
class TrainingImage:
    """Name an image of 300W-LP: its set, with `_Flip` where it is a mirror image, and its name without ending."""

    collection: str
    name: str

    @property
    def path(self) -> str:
        """Give its path, in the archive and below our images."""
        return f"{_TRAINING_FOLDER}/{self.collection}/{self.name}.jpg"

    @property
    def mirrored(self) -> bool:
        """Tell whether it is the mirror image of another."""
        return self.collection.endswith(_MIRRORED)

    @property
    def points_path(self) -> str:
        """Give the path of its points in the archive: a mirror image has those of the image that it mirrors."""
        return f"{_TRAINING_FOLDER}/landmarks/{self.collection.removesuffix(_MIRRORED)}/{self.name}_pts.mat"


def build_ls3d(downloads: Path, output: Path, regressor_images: int = REGRESSOR_IMAGES) -> None:
    """Make the data set folder of LS3D from its downloads, whole or not at all.

    The folder holds images/300W_LP, images/LS3D-W, training/samples.csv with the authors' boxes, evaluation/ with
    samples.csv (boxes from the true points) and landmarks.csv (68 points), and facts.json.

    Args:
        downloads: folder with both archives and the authors' pickle, by the names that they are published by.
        output: folder to write.
        regressor_images: the first so many images of the pickle are those that the regression learns from.

    Raises:
        UserError: a download that is missing or malformed, a box or points that are missing or wrong, an image that is
            missing or of another size, or `output` can't be written.
    """
    refuse_foreign_folder(output, _is_built)
    refuse_absent(downloads, (TRAINING_ARCHIVE, TEST_ARCHIVE, BOXES_FILE))
    boxes = read_training_boxes(downloads / BOXES_FILE)
    tests = _test_names(downloads / TEST_ARCHIVE)
    by_path = {image.path: box for image, box in boxes.items()}
    paths = sorted(by_path)
    corners = boxes_of(paths, by_path, downloads / BOXES_FILE)
    regressor = list(boxes)[:regressor_images]
    with atomic_folder(output, _is_built) as temporary:
        with tempfile.TemporaryDirectory(dir=temporary) as scratch:
            points = _unpack_training(downloads / TRAINING_ARCHIVE, paths, regressor, temporary, Path(scratch))
            test_points = _unpack_test(downloads / TEST_ARCHIVE, tests, temporary, Path(scratch))
        write_tables(temporary / "training", _below_images(paths), ["train"] * len(paths), corners)
        _write_evaluation(temporary / "evaluation", regressor, points, tests, test_points)
        write_json(temporary / "facts.json", _facts(paths, regressor, tests))


def read_training_boxes(path: Path) -> dict[TrainingImage, NDArray[np.float64]]:
    """Read the authors' boxes of 300W-LP, in the order of the pickle.

    Raises:
        UserError: not such a pickle, no image in it, a key that isn't the path of an image, or an image twice.
    """
    boxes: dict[TrainingImage, NDArray[np.float64]] = {}
    for key, box in read_array_pickle(path).items():
        match = _KEY.fullmatch(key.replace("\\", "/"))
        if match is None or TrainingImage(*match.groups()) in boxes:
            fault = "isn't the path of an image such as AFW/AFW_1.jpg" if match is None else "stands twice"
            raise UserError(f"the key {key!r} {fault}", where=path, remedy="fetch it anew")
        boxes[TrainingImage(*match.groups())] = box
    if not boxes:
        raise UserError("no image in it", where=path, remedy="fetch it anew")
    return boxes


def mirrored_points(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mirror the 68 points (68, 2) of an image of 300W-LP into its `_Flip` twin (method, section 7).

    x becomes 450 - x, as the authors have it. Left and right of the points change places, so that the right eye stays
    the right eye; the authors leave the order.
    """
    mirrored = points[mirror_order()]
    mirrored[:, 0] = IMAGE_SIZE_PX - mirrored[:, 0]
    return mirrored


def _test_names(archive: Path) -> list[str]:
    """List the images of LS3D-W by their names without ending, sorted; each must have its points."""
    paths = [PurePosixPath(path) for path in list_files(archive)]
    inside = [path for path in paths if path.parent.name == _TEST_FOLDER and not path.name.startswith(".")]
    images, points = ({path.stem for path in inside if path.suffix == suffix} for suffix in (".jpg", ".t7"))
    names = sorted(images | points)
    refuse_any(sorted(images ^ points), len(names), "lack their .jpg or their .t7", archive)
    refuse_any([name for name in names if not _TEST_NAME.fullmatch(name)], len(names), "have odd names", archive)
    if not names:
        raise UserError(f"no images in a folder {_TEST_FOLDER}", where=archive, remedy="fetch it anew")
    return names


def _unpack_training(
    archive: Path, paths: Sequence[str], regressor: Sequence[TrainingImage], output: Path, scratch: Path
) -> NDArray[np.float64]:
    """Write the images of 300W-LP; give the points (N, 68, 2) of those that the regression learns from."""
    files = {path: output / "images" / path for path in paths}
    point_files = {image.points_path: scratch / f"{index}.mat" for index, image in enumerate(regressor)}
    _unpack(archive, {**files, **point_files})
    for path, file in with_progress(files.items(), len(files), "checking images"):
        check_size(file, (IMAGE_SIZE_PX, IMAGE_SIZE_PX), path, archive)
    points = _read_points(archive, point_files, read_matlab_points)
    stacked = annotations_of([image.points_path for image in regressor], points, (FACE_POINTS, 2), archive)
    pairs = zip(regressor, stacked, strict=True)
    return np.array([mirrored_points(found) if image.mirrored else found for image, found in pairs])


def _unpack_test(archive: Path, names: Sequence[str], output: Path, scratch: Path) -> NDArray[np.float64]:
    """Write the images of LS3D-W; give their points (N, 68, 2)."""
    files = {f"{_TEST_FOLDER}/{name}.jpg": output / "images" / _test_path(name) for name in names}
    point_files = {f"{_TEST_FOLDER}/{name}.t7": scratch / f"{index}.t7" for index, name in enumerate(names)}
    _unpack(archive, {**files, **point_files})
    for path, file in files.items():
        with blaming(archive, path):
            read_image_size(file)
    points = _read_points(archive, point_files, read_torch7)
    return annotations_of(list(point_files), points, (FACE_POINTS, 2), archive)


def _unpack(archive: Path, targets: Mapping[str, Path]) -> None:
    unpacked = extract_files(archive, targets, MEMBER_LIMIT_BYTES)
    for _ in with_progress(unpacked, len(targets), f"unpacking {archive.name}", "file"):
        pass


def _read_points(
    archive: Path, files: Mapping[str, Path], read: Callable[[Path], NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    points = {}
    for path, file in files.items():
        with blaming(archive, path):
            points[path] = read(file)
    return points


def _write_evaluation(
    folder: Path,
    regressor: Sequence[TrainingImage],
    regressor_points: NDArray[np.float64],
    tests: Sequence[str],
    test_points: NDArray[np.float64],
) -> None:
    """Write the tables of the evaluation: images to learn from in the pickle's order, then those to test on."""
    images = _below_images([*(image.path for image in regressor), *map(_test_path, tests)])
    splits = ["train"] * len(regressor) + ["test"] * len(tests)
    points = np.concatenate([regressor_points, test_points])
    write_tables(folder, images, splits, boxes_around(points), {LANDMARKS_FILE: points})


def _test_path(name: str) -> str:
    return f"LS3D-W/{name}.jpg"


def _below_images(paths: Iterable[str]) -> list[str]:
    return [f"images/{path}" for path in paths]


def _facts(paths: Sequence[str], regressor: Sequence[TrainingImage], tests: Sequence[str]) -> dict[str, str | int]:
    return {
        "dataset": "ls3d",
        "training": len(paths),
        "regressor": len(regressor),
        "regressor_mirrored": sum(image.mirrored for image in regressor),
        "test": len(tests),
    }


def _is_built(folder: Path) -> bool:
    return holds_json(folder, "facts.json", "dataset", "ls3d")
