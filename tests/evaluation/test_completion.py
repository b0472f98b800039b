"""Completion of missing coordinates by singular value thresholding."""

import numpy as np
import pytest

from landmark_discovery.evaluation.completion import complete


def plain_completion(matrix, residual, max_iterations):
    """The same algorithm, restated with a full singular value decomposition and loops over entries."""
    rows, columns = matrix.shape
    seen = [[not np.isnan(matrix[i, j]) for j in range(columns)] for i in range(rows)]
    count = sum(sum(row) for row in seen)
    dual = np.zeros((rows, columns))
    for j in range(columns):
        mean = np.mean([matrix[i, j] for i in range(rows) if seen[i][j]])
        for i in range(rows):
            dual[i, j] = 0 if seen[i][j] else mean
    scale = sum(matrix[i, j] ** 2 for i in range(rows) for j in range(columns) if seen[i][j]) ** 0.5
    for _ in range(max_iterations):
        left, singular, right = np.linalg.svd(dual, full_matrices=False)
        estimate = (left * np.maximum(singular - 5 * (rows + columns) / 2, 0)) @ right
        square = 0.0
        for i in range(rows):
            for j in range(columns):
                square += (matrix[i, j] - estimate[i, j]) ** 2 if seen[i][j] else 0.0
        if square**0.5 / scale < residual:
            break
        for i in range(rows):
            for j in range(columns):
                if seen[i][j]:
                    dual[i, j] += 1.2 * rows * columns / count * (matrix[i, j] - estimate[i, j])
    return np.where(seen, matrix, estimate)


def low_rank(rows, columns, missing, seed=0):
    generator = np.random.default_rng(seed)
    full = generator.uniform(0.2, 0.8, (rows, 1)) * generator.uniform(0.5, 1.5, (1, columns))
    gaps = generator.random(full.shape) < missing
    return full, np.where(gaps, np.nan, full)


def test_nothing_missing_gives_the_matrix_back():
    full, _ = low_rank(5, 4, 0.0)
    completion = complete(full)
    assert (completion.values == full).all()
    assert completion.iterations == 0


def test_a_gap_is_filled_where_the_thresholds_own_objective_is_least():
    # The iteration tends to the least of 10 * nuclear norm + half the squares - 2x: x is the gap, 10 the threshold
    # 5 * (2 + 2) / 2, and 2 the column mean that the gap starts from. The nuclear norm is sqrt(9 + x^2 + 2|x - 4|), so
    # for x < 4 the derivative is 10 (x - 1) / sqrt(16 + (x - 1)^2) + x - 2, which vanishes at x = 1.287.
    completion = complete(np.array([[1.0, 2.0], [2.0, np.nan]]), residual=1e-9, max_iterations=5_000)
    assert completion.iterations < 5_000
    assert completion.values[1, 1] == pytest.approx(1.287, abs=1e-3)


def test_observed_entries_come_back_exactly():
    _, holed = low_rank(30, 6, 0.3)
    values = complete(holed).values
    observed = ~np.isnan(holed)
    assert (values[observed] == holed[observed]).all()
    assert np.isfinite(values).all()


@pytest.mark.parametrize("shape", [(14, 6), (5, 9)])
@pytest.mark.parametrize("max_iterations", [3, 25, 400])
def test_it_agrees_with_a_plain_restatement(shape, max_iterations):
    _, holed = low_rank(*shape, 0.3, seed=4)
    expected = plain_completion(holed, 1e-2, max_iterations)
    assert np.allclose(complete(holed, max_iterations=max_iterations).values, expected, atol=1e-9)


def test_it_is_better_than_column_means_on_low_rank():
    full, holed = low_rank(60, 8, 0.3)
    gaps = np.isnan(holed)
    means = np.broadcast_to(np.nanmean(holed, axis=0), holed.shape)
    error = np.abs(complete(holed).values - full)[gaps].mean()
    assert error < 0.3 * np.abs(means - full)[gaps].mean()


def test_the_cap_on_iterations_decides():
    _, holed = low_rank(30, 6, 0.3)
    assert complete(holed, residual=1e-12, max_iterations=7).iterations == 7


def test_a_column_without_any_entry_stays_missing_and_changes_nothing_else():
    _, holed = low_rank(20, 4, 0.2)
    wider = np.insert(holed, 2, np.nan, axis=1)
    values = complete(wider).values
    assert np.isnan(values[:, 2]).all()
    assert (np.delete(values, 2, axis=1) == complete(holed).values).all()


def test_a_row_without_any_entry_gets_the_column_means():
    holed = np.array([[0.2, 0.4], [0.4, np.nan], [np.nan, np.nan], [0.3, 0.6]])
    # Means of the observed: (0.2 + 0.4 + 0.3) / 3 and (0.4 + 0.6) / 2.
    assert np.allclose(complete(holed).values[2], [0.3, 0.5])


def test_all_missing_stays_all_missing():
    assert np.isnan(complete(np.full((3, 2), np.nan)).values).all()


def test_zeros_are_completed_without_dividing_by_them():
    matrix = np.zeros((3, 2))
    matrix[0, 0] = np.nan
    assert (complete(matrix).values == 0).all()
