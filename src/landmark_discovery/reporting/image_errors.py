"""Errors of single test images and points, which the averages of an evaluation leave out (method, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.alignment import AlignedImages, align
from landmark_discovery.evaluation.matching import drawn_subsets, match_points
from landmark_discovery.evaluation.measurement import filled_inputs
from landmark_discovery.evaluation.metrics import mean_by_image, mean_present, point_errors
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.protocol import predict_by_subsets
from landmark_discovery.evaluation.truth import read_folder_truth
from landmark_discovery.files import finite_number
from landmark_discovery.geometry import FloatArray, crop_to_image

# Percentage points by which figures computed again may differ from those of the file.
_ROUNDING = 0.01


@dataclass(frozen=True)
class ImageErrors:
    """Hold true points of M test images beside where the landmarks tell that they are.

    Attributes:
        image: names of the images, (M,).
        points: numbers of the L true points, (L,).
        true: (M, L, 2) in original pixels; NaN: missing.
        predicted: mean over the training subsets, (M, L, 2) in original pixels.
        errors: fractions of the normaliser, mean over the training subsets, (M, L); NaN: undefined.
    """

    image: NDArray[np.str_]
    points: NDArray[np.intp]
    true: FloatArray
    predicted: FloatArray
    errors: FloatArray

    @property
    def of_images(self) -> FloatArray:
        """Average over the points of each image, (M,)."""
        return mean_present(self.errors, axis=-1)


def measure_images(predictions: Predictions, store: str | Path, metrics: dict[str, Any]) -> ImageErrors | None:
    """Predict the true points of every test image as an evaluation did.

    Args:
        predictions: what was evaluated.
        store: folder of the prepared data set that it was evaluated on.
        metrics: what the evaluation measured, with its settings and seed.

    Returns:
        None where the evaluation had no ground truth.

    Raises:
        UserError: metrics that don't say how they were measured, or that are of other predictions.
    """
    if not metrics.get("ground_truth"):
        return None
    settings, seed = _settings_of(metrics)
    aligned = align(predictions, read_folder_truth(store, settings.truth), settings.frame, settings.size_px)
    if aligned.truth.landmarks is None or aligned.size_px is None:
        raise UserError("has no true points, but the metrics were measured by some", where=store, remedy=_REMEDY)
    measured, again = _measured(aligned, aligned.truth.landmarks, aligned.size_px, settings, seed)
    known = finite_number(metrics.get("forward_nme"))
    if known is not None and not abs(known - again) <= _ROUNDING:
        raise UserError(
            f"the metrics say a forward error of {known:.2f} %, the predictions give {again:.2f} %", remedy=_REMEDY
        )
    return measured


_REMEDY = "give data set, predictions and metrics of one run"


def _settings_of(metrics: dict[str, Any]) -> tuple[EvaluationSettings, int]:
    try:
        return EvaluationSettings.model_validate(metrics["settings"]), int(metrics["seed"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise UserError(
            f"the metrics don't say how they were measured ({type(error).__name__})",
            remedy="make them anew with `landmarks evaluate`",
        ) from error


def _measured(
    aligned: AlignedImages, landmarks: FloatArray, size_px: float, settings: EvaluationSettings, seed: int
) -> tuple[ImageErrors, float]:
    """Give the errors of the images, and the forward NME in percent."""
    points, matched = match_points(aligned, landmarks, settings)
    inputs = filled_inputs(matched.train_found, matched.test_found, settings, size_px)
    subsets = drawn_subsets(aligned, settings, seed)
    predicted = predict_by_subsets(inputs, matched.train_true, subsets, settings.forward_lambda, size_px)
    errors = point_errors(predicted, matched.test_true, matched.normalizer)
    test = aligned.of_split("test")
    measured = ImageErrors(
        image=aligned.truth.image[test],
        points=points,
        true=_in_image(matched.test_true, aligned, test, size_px, settings.frame),
        predicted=_in_image(mean_present(predicted, axis=0), aligned, test, size_px, settings.frame),
        errors=mean_present(errors, axis=0),
    )
    return measured, float(100 * mean_present(mean_by_image(errors)))


def _in_image(
    points: FloatArray, aligned: AlignedImages, chosen: NDArray[np.bool_], size_px: float, frame: str
) -> FloatArray:
    if frame == "image" or aligned.truth.crop is None:
        return points
    return crop_to_image(points, aligned.truth.crop[chosen], size_px)
