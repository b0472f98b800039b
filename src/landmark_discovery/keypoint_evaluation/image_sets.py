"""The images that detectors are measured on: crops of faces with true points, and photographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap.crops import cut_crop
from landmark_discovery.bootstrap_training.crops import read_crops
from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.geometry import FloatArray, image_to_crop

GreyImages = NDArray[np.uint8]


@dataclass(frozen=True)
class FaceCrops:
    """Hold N crops of faces, or of other objects of one kind.

    Attributes:
        images: (N, S, S) uint8, grey.
        points: (N, L, 2) true points in pixels of the crops, NaN where there is none; None without ground truth.
        people: who is seen, (N,).
    """

    images: GreyImages
    points: FloatArray | None
    people: NDArray[np.str_]


@dataclass(frozen=True)
class Photographs:
    """Hold N crops of photographs.

    Attributes:
        images: (N, S, S) uint8, grey.
        photograph: number of the one that each crop is of, (N,).
    """

    images: GreyImages
    photograph: NDArray[np.int64]


def cut_faces(store: ImageStore, settings: KeypointEvaluationSettings) -> FaceCrops:
    """Cut the crops of test images out of a prepared data set, `max_images` at most, spread evenly over its order.

    An image whose person isn't known counts as a person of its own.

    Raises:
        UserError: no test image.
    """
    tests = store.indices("test")
    if len(tests) == 0:
        raise UserError("the data set has no test image", remedy='give images the split "test" in samples.csv')
    chosen, size = tests[_spread(len(tests), settings.max_images)], settings.face_size_px
    rectangles, stored_size = store.crop_in_store(), store.stored_size
    images = np.empty((len(chosen), size, size), dtype=np.uint8)
    for row, index in enumerate(chosen):
        width, height = stored_size[index]
        image = np.ascontiguousarray(store.images[index, :height, :width])
        images[row] = cut_crop(image, rectangles[index], size)
    subjects = store.samples["subject"].to_numpy(dtype=np.str_)[chosen]
    points = store.landmarks
    return FaceCrops(
        images=images,
        points=None if points is None else image_to_crop(points[chosen], store.rectangle("crop")[chosen], size),
        people=np.where(subjects == "", store.names[chosen], subjects),
    )


def read_test_photographs(path: str | Path, max_images: int) -> Photographs:
    """Read crops of test photographs, as `bootstrap_training.crops.cut_crops` wrote them.

    Args:
        path: the file.
        max_images: at most so many, spread evenly over its order.

    Raises:
        UserError: no such file, another kind of file, or no test photograph.
    """
    crops = read_crops(Path(path))
    tests = np.flatnonzero(crops.split == "test")
    if len(tests) == 0:
        raise UserError('no image has the split "test"', where=path, remedy="give more photographs")
    chosen = tests[_spread(len(tests), max_images)]
    return Photographs(crops.images[chosen], crops.photograph[chosen])


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Choose at most so many of `count` places, evenly."""
    number = min(count, most)
    return np.arange(number) * count // number
