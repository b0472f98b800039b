"""Regressions over random training subsets, and the protocols of the method's table (section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.evaluation.completion import Completion, complete
from landmark_discovery.evaluation.metrics import mean_present, point_errors
from landmark_discovery.evaluation.regression import fit, predict
from landmark_discovery.geometry import FloatArray

# The headline runs ask for 19,000 training images; LS3D has only 1,000, so that all are taken (method, section 6).
PROTOCOLS: dict[str, EvaluationSettings] = {
    "mafl-headline": EvaluationSettings(
        truth="landmarks_5",
        expected_points=5,
        size_px=218,
        normalizer="0-1",
        regression_images=19_000,
        one_more_image=True,
    ),
    "mafl-curves": EvaluationSettings(
        expected_points=68, size_px=218, normalizer="41-46", regression_images=300, one_more_image=True
    ),
    "ls3d-headline": EvaluationSettings(
        expected_points=68,
        frame="crop",
        size_px=256,
        normalizer="landmark-box",
        regression_images=19_000,
        one_more_image=True,
        forward_lambda=0.1,
    ),
    "ls3d-curves": EvaluationSettings(
        expected_points=68,
        frame="crop",
        size_px=256,
        normalizer="landmark-box",
        regression_images=300,
        one_more_image=True,
        forward_lambda=0.1,
    ),
}


@dataclass(frozen=True)
class RegressionInputs:
    """Hold input points without NaN.

    Attributes:
        train: (N, Q, 2) in pixels; Q counts the points that some training image has.
        test: (M, Q, 2) in pixels.
        completion: how missing training points were completed, in coordinates divided by the size.
    """

    train: FloatArray
    test: FloatArray
    completion: Completion


def protocol_settings(base: str | EvaluationSettings = "", **changes: Any) -> EvaluationSettings:  # noqa: ANN401
    """Take the settings of a named protocol, or given ones, with changes.

    Args:
        base: a name of `PROTOCOLS`, or settings; "" takes the defaults.
        **changes: keys of EvaluationSettings; None leaves a key as it is, so that unset options can be passed on.

    Raises:
        UserError: unknown protocol or key, or a value out of range.
    """
    if isinstance(base, str) and base and base not in PROTOCOLS:
        raise UserError(f"unknown protocol {base!r}", remedy=nearest_name(base, PROTOCOLS))
    start = base if isinstance(base, EvaluationSettings) else PROTOCOLS.get(base, EvaluationSettings())
    for key in changes:
        if key not in EvaluationSettings.model_fields:
            raise UserError(f"unknown key {key!r}", remedy=nearest_name(key, EvaluationSettings.model_fields))
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        return EvaluationSettings.model_validate({**start.model_dump(), **given})
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        remedy = EvaluationSettings.model_fields[str(fault["loc"][0])].description
        raise UserError(f"{key} = {fault['input']!r}: {fault['msg']}", remedy=remedy) from error


def training_subsets(count: int, wanted: int, repeats: int, seed: int) -> tuple[NDArray[np.intp], ...]:
    """Draw random subsets of training images, each without repetition.

    Subset r comes from NumPy's default generator (PCG64) seeded with (seed, r), so it doesn't depend on `repeats`.

    Args:
        count: training images there are.
        wanted: images of a subset; where there aren't more, all subsets would be equal and only one comes back.
        repeats: number of subsets.
        seed: seed of the draw.

    Returns:
        Ascending positions, one array a subset.
    """
    if wanted >= count:
        return (np.arange(count),)
    return tuple(
        np.sort(np.random.default_rng((seed, repeat)).choice(count, wanted, replace=False)) for repeat in range(repeats)
    )


def fill_inputs(
    train: NDArray[np.floating],
    test: NDArray[np.floating],
    size_px: float,
    *,
    residual: float = 1e-2,
    max_iterations: int = 1_000,
) -> RegressionInputs:
    """Fill the missing input points of a regression, before any subset is drawn.

    Training points are completed by singular value thresholding, test points replaced by the training mean of those
    found. A point that no training image has is dropped: nothing could be learnt about it (method, section 6).

    Args:
        train: (N, P, 2) in pixels; NaN: missing.
        test: (M, P, 2) in pixels; NaN: missing.
        size_px: coordinates are divided by this for the completion.
        residual: see `complete`.
        max_iterations: see `complete`.
    """
    seen = np.isfinite(train).all(axis=-1).any(axis=0)
    train, test = train[:, seen], test[:, seen]
    flat = np.asarray(train, dtype=np.float64).reshape(len(train), 2 * int(seen.sum()))
    completion = complete(flat / size_px, residual=residual, max_iterations=max_iterations)
    # Division and multiplication needn't cancel in the last bit: observed points go back as they were.
    filled = np.where(np.isnan(flat), completion.values * size_px, flat).reshape(train.shape)
    return RegressionInputs(filled, np.where(np.isnan(test), mean_present(train, axis=0), test), completion)


def predict_points(
    inputs: RegressionInputs,
    targets: NDArray[np.floating],
    subset: NDArray[np.intp],
    weight: float,
    size_px: float,
) -> FloatArray:
    """Predict target points on the test images, each learnt from the training images that have it.

    Points that the same images have share one regression, so that complete targets need only one.

    Args:
        inputs: input points of N training and M test images.
        targets: (N, T, 2) in pixels; NaN: missing.
        subset: positions of the training images to learn from.
        weight: ridge weight.
        size_px: coordinates are divided by this.

    Returns:
        (M, T, 2) in pixels; NaN for a point that no image of the subset has.
    """
    chosen, known = inputs.train[subset], np.asarray(targets, dtype=np.float64)[subset]
    predicted = np.full((len(inputs.test), known.shape[1], 2), np.nan)
    patterns, members = np.unique(np.isfinite(known).all(axis=-1), axis=1, return_inverse=True)
    for index, rows in enumerate(patterns.T):
        points = members.reshape(-1) == index
        if rows.any():
            ridge = fit(chosen[rows], known[rows][:, points], weight, size_px)
            predicted[:, points] = predict(ridge, inputs.test)
    return predicted


def predict_by_subsets(
    inputs: RegressionInputs,
    targets: NDArray[np.floating],
    subsets: Sequence[NDArray[np.intp]],
    weight: float,
    size_px: float,
) -> FloatArray:
    """Predict target points on the test images from each training subset; see `predict_points`.

    Returns:
        (R, M, T, 2) in pixels; NaN where nothing is predicted, everywhere if there are no input points.
    """
    if inputs.train.shape[1] == 0 or targets.shape[1] == 0:
        return np.full((len(subsets), len(inputs.test), targets.shape[1], 2), np.nan)
    return np.stack([predict_points(inputs, targets, subset, weight, size_px) for subset in subsets])


def regression_errors(
    inputs: RegressionInputs,
    train_targets: NDArray[np.floating],
    test_targets: NDArray[np.floating],
    normalizer: NDArray[np.floating],
    subsets: Sequence[NDArray[np.intp]],
    weight: float,
    size_px: float,
) -> FloatArray:
    """Measure the error of every target point on every test image, for every training subset.

    Returns:
        (R, M, T), a fraction of the normaliser; NaN where it is undefined, everywhere if there are no input points.
    """
    predicted = predict_by_subsets(inputs, train_targets, subsets, weight, size_px)
    return point_errors(predicted, test_targets, normalizer)
