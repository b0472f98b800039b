"""All errors of one evaluation, before they are averaged (method, section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.evaluation.matching import MatchedPoints
from landmark_discovery.evaluation.metrics import mean_present, point_errors
from landmark_discovery.evaluation.protocol import RegressionInputs, fill_inputs, regression_errors
from landmark_discovery.geometry import FloatArray


@dataclass(frozen=True)
class Errors:
    """Hold errors as fractions of the normaliser; NaN where undefined.

    Attributes:
        forward: of the true points, (R, M, L), over R training subsets and M test images.
        backward: of the discovered landmarks, (R, M, K).
        mean_shape: of the training mean of the true points as prediction, (M, L).
        mean_landmark: of the training mean of the discovered landmarks as prediction, (M, K).
        completion_iterations: iterations that completed the missing landmarks of the training images.
    """

    forward: FloatArray
    backward: FloatArray
    mean_shape: FloatArray
    mean_landmark: FloatArray
    completion_iterations: int


def measure_errors(
    points: MatchedPoints, settings: EvaluationSettings, subsets: Sequence[NDArray[np.intp]], size_px: float
) -> Errors:
    """Run both regressions and both baselines.

    Missing true points are treated as missing landmarks are: completed where they are inputs of a regression, left out
    where they are its targets.

    Args:
        points: what to compare.
        settings: the protocol.
        subsets: positions of the training images that each regression learns from.
        size_px: coordinates are divided by this.
    """
    found = filled_inputs(points.train_found, points.test_found, settings, size_px)
    true = filled_inputs(points.train_true, points.test_true, settings, size_px)
    lengths = points.normalizer
    return Errors(
        forward=regression_errors(
            found, points.train_true, points.test_true, lengths, subsets, settings.forward_lambda, size_px
        ),
        backward=regression_errors(
            true, points.train_found, points.test_found, lengths, subsets, settings.backward_lambda, size_px
        ),
        mean_shape=point_errors(mean_present(points.train_true, axis=0), points.test_true, lengths),
        mean_landmark=point_errors(mean_present(points.train_found, axis=0), points.test_found, lengths),
        completion_iterations=found.completion.iterations,
    )


def filled_inputs(
    train: FloatArray, test: FloatArray, settings: EvaluationSettings, size_px: float
) -> RegressionInputs:
    """Fill missing input points as the settings say; see `fill_inputs`."""
    return fill_inputs(
        train,
        test,
        size_px,
        residual=settings.completion_residual,
        max_iterations=settings.completion_max_iterations,
    )
