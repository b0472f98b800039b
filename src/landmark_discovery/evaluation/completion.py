"""Completion of missing coordinates by singular value thresholding (Cai, Candes and Shen 2010; method, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.geometry import FloatArray


@dataclass(frozen=True)
class Completion:
    """Hold a completed matrix and how it was reached.

    Attributes:
        values: (M, D); observed entries as they were, NaN only in columns without any observed entry.
        iterations: iterations run; 0 where nothing was missing.
    """

    values: FloatArray
    iterations: int


def complete(matrix: NDArray[np.floating], *, residual: float = 1e-2, max_iterations: int = 1_000) -> Completion:
    """Complete the NaN entries of a matrix as if it had low rank.

    Columns without any observed entry stay NaN and rows without any get the column means: neither says anything
    about the others, so they are left out of the iteration (which would draw such rows to the origin).

    Args:
        matrix: (M, D), coordinates divided by the image size; NaN: missing.
        residual: stop when |observed(estimate - matrix)| / |observed(matrix)| is under this.
        max_iterations: stop after so many iterations at the latest.

    Returns:
        The completed matrix (method, section 6).
    """
    values = np.array(matrix, dtype=np.float64)
    observed = np.isfinite(values)
    rows, columns = observed.any(axis=1), observed.any(axis=0)
    if observed[:, columns].all():
        return Completion(values, 0)
    values[:, columns] = _with_column_means(values[:, columns], observed[:, columns])
    part = np.ix_(rows, columns)
    estimate, iterations = _threshold_singular_values(values[part], observed[part], residual, max_iterations)
    values[part] = np.where(observed[part], values[part], estimate)
    return Completion(values, iterations)


def _with_column_means(values: FloatArray, observed: NDArray[np.bool_]) -> FloatArray:
    filled = np.where(observed, values, 0.0)
    means = filled.sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    return np.where(observed, values, means)


def _threshold_singular_values(
    start: FloatArray, observed: NDArray[np.bool_], residual: float, max_iterations: int
) -> tuple[FloatArray, int]:
    rows, columns = start.shape
    threshold = 5 * (rows + columns) / 2
    step = 1.2 * rows * columns / observed.sum()
    dual = np.where(observed, 0.0, start)
    scale = float(np.linalg.norm(start[observed]))
    estimate, iteration = start, 0
    while scale > 0 and iteration < max_iterations:
        iteration += 1
        estimate = _shrink(dual, threshold)
        gap = np.where(observed, start - estimate, 0.0)
        if float(np.linalg.norm(gap)) / scale < residual:
            break
        dual += step * gap
    return estimate, iteration


def _shrink(matrix: FloatArray, threshold: float) -> FloatArray:
    """Lower every singular value by `threshold`, to no less than 0."""
    if matrix.shape[0] < matrix.shape[1]:
        return _shrink(matrix.T, threshold).T
    # The Gram matrix has as few columns as there are coordinates: far cheaper than decomposing thousands of rows.
    squares, vectors = np.linalg.eigh(matrix.T @ matrix)
    kept = squares > threshold**2
    vectors = vectors[:, kept]
    factors = 1 - threshold / np.sqrt(squares[kept])
    return np.asarray(matrix @ ((vectors * factors) @ vectors.T))
