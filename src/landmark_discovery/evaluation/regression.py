"""Linear regression between two sets of points, the heart of the evaluation (method, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.errors import UserError
from landmark_discovery.geometry import FloatArray


@dataclass(frozen=True)
class RidgeMap:
    """Hold the map R from P input points to Q target points.

    Attributes:
        matrix: R, (2Q, 2P), in coordinates divided by `size_px`.
        input_mean: training mean of the inputs, (2P,), in those coordinates.
        target_mean: training mean of the targets, (2Q,), in those coordinates.
        size_px: what coordinates in pixels are divided by.
    """

    matrix: FloatArray
    input_mean: FloatArray
    target_mean: FloatArray
    size_px: float


def fit(inputs: NDArray[np.floating], targets: NDArray[np.floating], weight: float, size_px: float) -> RidgeMap:
    """Fit R = (y'x)(x'x + weight * (max(x'x) + 1e-12) * I)^-1 on centred points.

    Args:
        inputs: (N, P, 2) in pixels, without NaN.
        targets: (N, Q, 2) in pixels, without NaN.
        weight: ridge weight lambda, relative to the largest entry of x'x; 0 takes the least-squares map of least norm.
        size_px: coordinates are divided by this, and 0.5 is taken away.

    Returns:
        The map (method, section 6).

    Raises:
        UserError: no images or no points to fit.
    """
    if inputs.shape[0] == 0 or inputs.shape[1] == 0:
        raise UserError(f"nothing to fit a regression on: {inputs.shape[0]} images, {inputs.shape[1]} points")
    x, y = _flat(inputs, size_px), _flat(targets, size_px)
    input_mean, target_mean = x.mean(axis=0), y.mean(axis=0)
    transposed = _solve_ridge(x - input_mean, y - target_mean, weight)
    return RidgeMap(transposed.T, input_mean, target_mean, size_px)


def predict(ridge: RidgeMap, inputs: NDArray[np.floating]) -> FloatArray:
    """Predict targets (N, Q, 2) in pixels from inputs (N, P, 2) in pixels; NaN gives NaN."""
    x = _flat(inputs, ridge.size_px) - ridge.input_mean
    y = x @ ridge.matrix.T + ridge.target_mean
    return ((y + 0.5) * ridge.size_px).reshape(len(inputs), -1, 2)


def _flat(points: NDArray[np.floating], size_px: float) -> FloatArray:
    count, places = points.shape[:2]
    return np.asarray(points, dtype=np.float64).reshape(count, 2 * places) / size_px - 0.5


def _solve_ridge(x: FloatArray, y: FloatArray, weight: float) -> FloatArray:
    # Without a ridge x'x may be singular, which a solver needn't notice; lstsq does.
    if weight == 0:
        return np.asarray(np.linalg.lstsq(x, y, rcond=None)[0])
    gram = x.T @ x
    penalty = weight * (gram.max() + 1e-12)
    return np.asarray(np.linalg.solve(gram + penalty * np.eye(len(gram)), x.T @ y))
