"""Boards in perspective: checkerboards and stripes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.bootstrap_training.shapes.levels import contrasting_levels
from landmark_discovery.bootstrap_training.shapes.scene import LEAST_GAP_PX, Area, GreyMap, Scene, draw_until
from landmark_discovery.geometry import FloatArray

_MOST_CELLS = 7
_MOST_STRIPES = 10
_MOST_TONES = 4
_CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def draw_checkerboard(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw a board of cells, each of another level than those beside it; their corners are keypoints.

    Args:
        generator: draws it.
        size_px: width and height of the image.
        background: what it stands out from.
    """

    def draw() -> FloatArray:
        columns, rows = generator.integers(2, _MOST_CELLS + 1, 2).tolist()
        return _draw_grid(generator, size_px, columns, rows, unevenness=generator.uniform(0, 0.4))

    return _board(generator, draw_until(draw, _is_clear), background)


def draw_stripes(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw stripes side by side; the corners at both their ends are keypoints.

    Args:
        generator: draws them.
        size_px: width and height of the image.
        background: what they stand out from.
    """

    def draw() -> FloatArray:
        columns = int(generator.integers(2, _MOST_STRIPES + 1))
        return _draw_grid(generator, size_px, columns, 1, unevenness=generator.uniform(0, 0.8))

    return _board(generator, draw_until(draw, _is_clear), background)


def _draw_grid(generator: np.random.Generator, size_px: int, columns: int, rows: int, unevenness: float) -> FloatArray:
    """Draw the corners of a board's cells, (rows + 1, columns + 1, 2) in pixels, seen in perspective."""
    x = _draw_ruler(generator, columns, unevenness)
    y = _draw_ruler(generator, rows, unevenness)
    flat: FloatArray = np.stack(np.meshgrid(x, y), axis=-1)
    seen = cv2.perspectiveTransform(flat.reshape(1, -1, 2), _draw_view(generator, size_px))
    return np.asarray(seen, dtype=np.float64).reshape(rows + 1, columns + 1, 2)


def _draw_ruler(generator: np.random.Generator, parts: int, unevenness: float) -> FloatArray:
    """Divide -1 to 1 into parts; their ends, (parts + 1,)."""
    widths = generator.uniform(1 - unevenness, 1 + unevenness, parts)
    return np.asarray(np.concatenate([[0.0], np.cumsum(widths)]) / widths.sum() * 2 - 1, dtype=np.float64)


def _draw_view(generator: np.random.Generator, size_px: int) -> FloatArray:
    """Draw the homography (3, 3) that takes the square from -1 to 1 to the image, its four corners moved."""

    def draw() -> NDArray[np.float32]:
        angle = generator.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        moved = _CORNERS + generator.uniform(-0.5, 0.5, (4, 2))
        extent = generator.uniform(0.2, 0.6, 2)
        place = generator.uniform(0.3, 0.7, 2)
        return np.asarray((place + moved * extent @ turn) * size_px, dtype=np.float32)

    corners = draw_until(draw, lambda drawn: bool(cv2.isContourConvex(drawn)))
    return np.asarray(cv2.getPerspectiveTransform(_CORNERS.astype(np.float32), corners), dtype=np.float64)


def _is_clear(grid: FloatArray) -> bool:
    """Tell whether the corners of cells keep their distance, along rows, columns and diagonals."""
    steps = [np.diff(grid, axis=0), np.diff(grid, axis=1), grid[1:, 1:] - grid[:-1, :-1], grid[1:, :-1] - grid[:-1, 1:]]
    return all(np.linalg.norm(step, axis=-1).min() >= LEAST_GAP_PX for step in steps)


def _board(generator: np.random.Generator, grid: FloatArray, background: GreyMap) -> Scene:
    tones = contrasting_levels(generator, background, int(generator.integers(2, _MOST_TONES + 1)))
    cells = np.concatenate([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=-1)
    levels = _draw_cells(generator, tones, cells.shape[0], cells.shape[1])
    areas = (
        Area(outline, float(level)) for outline, level in zip(cells.reshape(-1, 4, 2), levels.ravel(), strict=True)
    )
    return Scene(tuple(areas), grid.reshape(-1, 2))


def _draw_cells(generator: np.random.Generator, tones: NDArray[np.int64], rows: int, columns: int) -> NDArray[np.int64]:
    """Give each cell a tone that neither its upper nor its left neighbour has; with two tones, that is a checkerboard.

    There always is one: of two tones the left and the upper neighbour have the same, since both differ from the cell
    that stands between them.
    """
    levels = np.full((rows + 1, columns + 1), -1, dtype=np.int64)
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            beside = (levels[row - 1, column], levels[row, column - 1])
            levels[row, column] = generator.choice(tones[~np.isin(tones, beside)])
    return levels[1:, 1:]
