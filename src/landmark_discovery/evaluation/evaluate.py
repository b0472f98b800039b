"""The evaluation of one set of predictions: its numbers, its curves and their files (method, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.alignment import AlignedImages, align
from landmark_discovery.evaluation.definitions import define_metrics
from landmark_discovery.evaluation.matching import drawn_subsets, match_points
from landmark_discovery.evaluation.measurement import Errors, measure_errors
from landmark_discovery.evaluation.metrics import (
    cumulative_curve,
    detection_rate,
    distinct_landmarks,
    mean_by_image,
    mean_by_point,
    mean_present,
)
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.evaluation.truth import GroundTruth
from landmark_discovery.files import atomic_file, write_json
from landmark_discovery.geometry import FloatArray

# What needs ground truth: null without.
TRUTH_KEYS = (
    "forward_nme",
    "backward_nme",
    "mean_shape_nme",
    "mean_landmark_nme",
    "forward_nme_std",
    "backward_nme_std",
    "images_without_normalizer",
    "completion_iterations",
)


@dataclass(frozen=True)
class Evaluation:
    """Hold the result of an evaluation.

    Attributes:
        metrics: what metrics.json holds; None where a number is undefined.
        forward_curve: rank, point, nme_percent, cumulative_nme_percent; no rows without ground truth.
        backward_curve: rank, landmark, nme_percent, cumulative_nme_percent; no rows without ground truth.
    """

    metrics: dict[str, Any]
    forward_curve: pd.DataFrame
    backward_curve: pd.DataFrame


def evaluate_predictions(
    predictions: Predictions, truth: GroundTruth, settings: EvaluationSettings, seed: int
) -> Evaluation:
    """Evaluate predictions by the regression protocol.

    Args:
        predictions: of training and test images; NaN: not found.
        truth: ground truth of the images; where its landmarks are None, only what needs none is measured.
        settings: the protocol.
        seed: seed of the training subsets.

    Raises:
        UserError: nothing in common, no training or test images, settings that don't fit the ground truth.
    """
    aligned = align(predictions, truth, settings.frame, settings.size_px)
    subsets = drawn_subsets(aligned, settings, seed)
    facts = {"stage": predictions.stage} | _facts(aligned, settings, seed, subsets)
    if aligned.truth.landmarks is None:
        return _without_truth(facts)
    points, matched = match_points(aligned, aligned.truth.landmarks, settings)
    errors = measure_errors(matched, settings, subsets, _known_size(aligned))
    counts = {
        "num_true_points": len(points),
        "images_without_normalizer": int(np.isnan(matched.normalizer).sum()),
        "completion_iterations": errors.completion_iterations,
    }
    return Evaluation(
        metrics=_numbers(errors) | facts | counts,
        forward_curve=cumulative_curve(errors.forward, points, "point"),
        backward_curve=cumulative_curve(errors.backward, np.arange(errors.backward.shape[-1]), "landmark"),
    )


def write_evaluation(folder: str | Path, evaluation: Evaluation) -> None:
    """Write forward_curve.csv, backward_curve.csv and metrics.json into a folder, each whole or not at all."""
    path = Path(folder)
    for name, curve in (("forward", evaluation.forward_curve), ("backward", evaluation.backward_curve)):
        with atomic_file(path / f"{name}_curve.csv") as temporary:
            curve.to_csv(temporary, index=False)
    write_json(path / "metrics.json", evaluation.metrics)


def _known_size(aligned: AlignedImages) -> float:
    if aligned.size_px is None:
        raise UserError("the size of the images is unknown", remedy="give size_px, or samples with heights")
    return aligned.size_px


def _numbers(errors: Errors) -> dict[str, Any]:
    forward, backward = 100 * mean_by_image(errors.forward), 100 * mean_by_point(errors.backward)
    return {
        "ground_truth": True,
        "forward_nme": _number(mean_present(forward)),
        "backward_nme": _number(mean_present(backward)),
        "mean_shape_nme": _number(100 * mean_by_image(errors.mean_shape)),
        "mean_landmark_nme": _number(100 * mean_by_point(errors.mean_landmark)),
        "forward_nme_std": _spread(forward),
        "backward_nme_std": _spread(backward),
    }


def _facts(
    aligned: AlignedImages, settings: EvaluationSettings, seed: int, subsets: tuple[NDArray[np.intp], ...]
) -> dict[str, Any]:
    test, size = aligned.landmarks[aligned.of_split("test")], aligned.size_px
    learnt = len(subsets[0])
    return {
        "distinct_landmarks": None if size is None else distinct_landmarks(test, settings.distinct_fraction * size),
        "normalizer": settings.normalizer,
        "num_landmarks": aligned.landmarks.shape[1],
        "num_train_images": int(aligned.of_split("train").sum()),
        "num_test_images": len(test),
        "detection_rate": [_number(rate) for rate in detection_rate(test)],
        "frame": settings.frame,
        "size_px": size,
        "size_source": aligned.size_source,
        "seed": seed,
        "regression_images": learnt,
        "repeats": settings.repeats,
        "repeats_computed": len(subsets),
        "repeats_identical": len(subsets) < settings.repeats,
        "predictions_without_truth": aligned.predictions_without_truth,
        "truth_without_predictions": aligned.truth_without_predictions,
        "settings": settings.model_dump(mode="json"),
        "definitions": define_metrics(settings, regression_images=learnt, size_px=size),
    }


def _without_truth(facts: dict[str, Any]) -> Evaluation:
    nothing = np.empty((1, 1, 0))
    none = np.empty(0, dtype=np.intp)
    return Evaluation(
        metrics={"ground_truth": False} | dict.fromkeys(TRUTH_KEYS) | facts | {"num_true_points": 0},
        forward_curve=cumulative_curve(nothing, none, "point"),
        backward_curve=cumulative_curve(nothing, none, "landmark"),
    )


def _number(value: float | np.floating | NDArray[np.floating]) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None


def _spread(values: FloatArray) -> float | None:
    present = values[np.isfinite(values)]
    return _number(present.std(ddof=1)) if len(present) > 1 else None
