"""Points in MATLAB files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat, whosmat

from landmark_discovery.errors import UserError

# Of the points of a face there are hundreds; a small compressed file may say billions.
MOST_NUMBERS = 10**6


def read_matlab_points(path: str | Path, key: str = "pts_3d") -> NDArray[np.float64]:
    """Read the points of an image from a MATLAB file (up to version 7).

    Args:
        path: the file.
        key: name of the matrix: a row a point, with x, y and, where it has a third column, depth.

    Returns:
        x and y as they stand there, (L, 2).

    Raises:
        UserError: no such file, not a MATLAB file, no such matrix in it, or one that isn't points.
    """
    points = _variable(path, key)
    if points.dtype.kind not in "iuf" or points.ndim != 2 or points.size == 0 or points.shape[1] not in (2, 3):
        raise UserError(
            f"{key} of shape {points.shape} isn't points", where=path, remedy="needed: numbers in 2 or 3 columns"
        )
    coordinates = np.array(points[:, :2], dtype=np.float64)
    if not np.isfinite(coordinates).all():
        raise UserError(f"{key} has a coordinate that isn't finite", where=path, remedy="needed: x and y of each point")
    return coordinates


def _variable(path: str | Path, key: str) -> NDArray[Any]:
    if not Path(path).is_file():
        raise UserError("no such file", where=path)
    try:
        shapes = {str(name): shape for name, shape, _ in whosmat(str(path), appendmat=False)}
        if math.prod(shapes.get(key, ())) > MOST_NUMBERS:
            raise ValueError(f"{key} of shape {shapes[key]} has more than {MOST_NUMBERS:,} numbers")
        content = loadmat(str(path), appendmat=False, variable_names=[key])
    # What SciPy raises on a file of another kind has no common class.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"not a readable MATLAB file ({reason})", where=path, remedy="fetch it anew") from error
    if key not in content:
        raise UserError(f"no {key!r} in it", where=path, remedy=f"there: {', '.join(sorted(shapes)) or 'nothing'}")
    return np.asarray(content[key])
