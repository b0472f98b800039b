"""How steadily a landmark keeps its place among the others, which needs no ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landmark_discovery.data.store import ImageStore
from landmark_discovery.evaluation.metrics import mean_distances, mean_present
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.protocol import fill_inputs, predict_points
from landmark_discovery.geometry import FloatArray, image_to_crop
from landmark_discovery.reporting.pictures import rows_of_split

# A landmark this far from where it is expected, in percent of the crop, sits on another part of the object.
JUMP_PERCENT = 10.0
_RIDGE_WEIGHT = 1e-3
_CROP = 100.0


@dataclass(frozen=True)
class Stability:
    """Hold how steady K landmarks are on the test images; NaN: undefined.

    Attributes:
        spread: mean distance to where the other landmarks expect each, in percent of the crop, (K,).
        jumps: share of the images in which it lies over `JUMP_PERCENT` from there, (K,).
        movement: mean distance to its mean place, in percent of the crop, (K,); a model that ignores the image has 0.
        apart: mean distance of each pair, in percent of the crop, (K, K).
    """

    spread: FloatArray
    jumps: FloatArray
    movement: FloatArray
    apart: FloatArray

    def nearest(self, landmark: int) -> tuple[int, float] | None:
        """Give the landmark that lies nearest to one, and how far; None where there is none."""
        distances = self.apart[landmark].copy()
        distances[landmark] = np.nan
        if np.isnan(distances).all():
            return None
        other = int(np.nanargmin(distances))
        return other, float(distances[other])


def measure_stability(store: ImageStore, predictions: Predictions) -> Stability:
    """Measure how far each landmark of a test image lies from where the other landmarks expect it.

    What they expect is a linear map from the other K - 1 landmarks, by the regression of the evaluation, learnt on the
    training images (of all images where there is one split alone). Coordinates are those of the crop.

    Args:
        store: the images.
        predictions: of its images.
    """
    train, test = (_crop_landmarks(store, predictions, split) for split in ("train", "test"))
    distances = expected_distances(train, test)
    found = np.isfinite(distances)
    far = np.where(found, (distances > JUMP_PERCENT).astype(np.float64), np.nan)
    moved = np.linalg.norm(test - mean_present(test, axis=0), axis=-1)
    spread, jumps, movement = (mean_present(values, axis=0) for values in (distances, far, moved))
    return Stability(spread, jumps, movement, mean_distances(test))


def expected_distances(train: FloatArray, test: FloatArray) -> FloatArray:
    """Measure the distance of each landmark to where the others expect it.

    Args:
        train: (N, K, 2) in percent of the crop; NaN: not found.
        test: (M, K, 2).

    Returns:
        (M, K) in percent of the crop; NaN where the landmark wasn't found, or nothing tells about it.
    """
    distances = np.full(test.shape[:2], np.nan)
    every = np.arange(len(train))
    for landmark in range(train.shape[1]):
        inputs = fill_inputs(np.delete(train, landmark, 1), np.delete(test, landmark, 1), _CROP)
        if not len(train) or not inputs.train.shape[1]:
            continue
        expected = predict_points(inputs, train[:, [landmark]], every, _RIDGE_WEIGHT, _CROP)[:, 0]
        distances[:, landmark] = np.linalg.norm(test[:, landmark] - expected, axis=-1)
    return distances


def _crop_landmarks(store: ImageStore, predictions: Predictions, split: str) -> FloatArray:
    indices, rows = rows_of_split(store, predictions, split)
    return image_to_crop(predictions.landmarks[rows], store.rectangle("crop")[indices], _CROP)
