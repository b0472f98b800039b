"""Predictions and ground truth of the same images, in the pixels that the evaluation counts in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.data.store import SPLITS
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.truth import GroundTruth
from landmark_discovery.geometry import FloatArray, image_to_crop

CROP_SIZE_PX = 256.0


@dataclass(frozen=True)
class AlignedImages:
    """Hold the N images that predictions and ground truth share, in the order of their names.

    Attributes:
        truth: what is known of them, in the pixels of the frame; `split` is "train" or "test" throughout.
        landmarks: predictions (N, K, 2) in the pixels of the frame; NaN: not found.
        size_px: what coordinates are divided by.
        size_source: where that size comes from, in words.
        predictions_without_truth: images predicted, but not in the ground truth; they are ignored.
        truth_without_predictions: images of the ground truth that weren't predicted; they are ignored.
    """

    truth: GroundTruth
    landmarks: FloatArray
    size_px: float | None
    size_source: str
    predictions_without_truth: int
    truth_without_predictions: int

    def of_split(self, split: str) -> NDArray[np.bool_]:
        """Mark the images of one split, (N,)."""
        return np.asarray(self.truth.split == split)


def align(
    predictions: Predictions,
    truth: GroundTruth,
    frame: Literal["image", "crop"] = "image",
    size_px: float | None = None,
) -> AlignedImages:
    """Match predictions and ground truth by image name and map both to the frame of the evaluation.

    Images without any true point count as images without truth, if the data set has ground truth at all. The split is
    the ground truth's; where it has none, the predictions'.

    Args:
        predictions: in original image pixels.
        truth: in original image pixels.
        frame: "image" leaves the pixels as they are; "crop" maps each crop to `size_px` x `size_px` pixels.
        size_px: what coordinates are divided by. None: 256 for the crop; for the image the median height, or where the
            samples have no heights, the lowest edge that any box or true point reaches.

    Raises:
        UserError: an image is predicted twice, nothing in common, a split that is neither "train" nor "test", or crops
            are needed and not there.
    """
    names = pd.Index(predictions.image)
    if names.has_duplicates:
        raise UserError(f"image {names[names.duplicated()][0]!r} is predicted twice", remedy="keep one")
    known = _has_truth(truth)
    common = np.intersect1d(predictions.image, truth.image[known])
    if not len(common):
        raise UserError(
            f"none of the {len(names)} predicted images is among the {int(known.sum())} with ground truth",
            remedy=f"spell names alike: predicted {_example(predictions.image)}, truth {_example(truth.image[known])}",
        )
    predicted_rows = names.get_indexer(pd.Index(common))
    shared = _select(truth, pd.Index(truth.image).get_indexer(pd.Index(common)))
    split = _split_of(shared, predictions.split[predicted_rows])
    landmarks, shared, size, source = _to_frame(predictions.landmarks[predicted_rows], shared, frame, size_px)
    return AlignedImages(
        truth=replace(shared, split=split),
        landmarks=landmarks,
        size_px=size,
        size_source=source,
        predictions_without_truth=len(names) - len(common),
        truth_without_predictions=int(known.sum()) - len(common),
    )


def _has_truth(truth: GroundTruth) -> NDArray[np.bool_]:
    if truth.landmarks is None:
        return np.ones(len(truth.image), dtype=bool)
    return np.asarray(np.isfinite(truth.landmarks).all(axis=-1).any(axis=-1))


def _split_of(truth: GroundTruth, predicted: NDArray[np.str_]) -> NDArray[np.str_]:
    """Give the split of each image: the ground truth's, or where it has none, the predictions'."""
    split = np.where(truth.split == "", predicted, truth.split)
    wrong = ~np.isin(split, SPLITS)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(
            f"split of {str(truth.image[row])!r} is {str(split[row])!r} in the predictions", remedy="valid: train, test"
        )
    return split


def _example(names: NDArray[np.str_]) -> str:
    return repr(str(names[0])) if len(names) else "none"


def _select(truth: GroundTruth, rows: NDArray[np.intp]) -> GroundTruth:
    def rows_of(array: FloatArray | None) -> FloatArray | None:
        return None if array is None else array[rows]

    return GroundTruth(
        image=truth.image[rows],
        split=truth.split[rows],
        landmarks=rows_of(truth.landmarks),
        box=rows_of(truth.box),
        crop=rows_of(truth.crop),
        height=rows_of(truth.height),
    )


def _to_frame(
    landmarks: FloatArray, truth: GroundTruth, frame: str, size_px: float | None
) -> tuple[FloatArray, GroundTruth, float | None, str]:
    # A landmark with one coordinate, or an infinite one, is none.
    found = np.where(np.isfinite(landmarks).all(axis=-1, keepdims=True), landmarks, np.nan)
    if frame == "image":
        size, source = (size_px, "given") if size_px is not None else _image_size(truth)
        return found, truth, size, source
    size = CROP_SIZE_PX if size_px is None else size_px
    crop = _checked_crop(truth)
    return (
        image_to_crop(found, crop, size),
        replace(
            truth,
            landmarks=None if truth.landmarks is None else image_to_crop(truth.landmarks, crop, size),
            box=None if truth.box is None else image_to_crop(truth.box.reshape(-1, 2, 2), crop, size).reshape(-1, 4),
        ),
        size,
        "given" if size_px is not None else "the crop's usual size",
    )


def _checked_crop(truth: GroundTruth) -> FloatArray:
    if truth.crop is None:
        raise UserError(
            "the crop's pixels are asked for, but the samples have no crops",
            remedy="give the samples.csv of a prepared data set (crop_x_min, ...), or frame `image`",
        )
    wrong = ~(truth.crop[:, 2:] > truth.crop[:, :2]).all(axis=1)
    if wrong.any():
        raise UserError(f"the crop of {str(truth.image[wrong][0])!r} is empty or unknown", remedy="prepare it anew")
    return truth.crop


def _image_size(truth: GroundTruth) -> tuple[float | None, str]:
    if truth.height is not None and np.isfinite(truth.height).any():
        return float(np.nanmedian(truth.height)), "median height of the images"
    edges = [array for array in (_edges(truth.box), _edges(truth.landmarks)) if array.size]
    reach = np.ceil(np.concatenate(edges).max()) if edges else 0.0
    if reach <= 0:
        return None, "unknown"
    return float(reach), "lowest edge that a box or true point reaches: the samples have no heights"


def _edges(array: FloatArray | None) -> FloatArray:
    """List the y of points (N, L, 2) or boxes (N, 4) that are there."""
    y = np.empty(0) if array is None else array[..., 1::2].ravel()
    return y[np.isfinite(y)]
