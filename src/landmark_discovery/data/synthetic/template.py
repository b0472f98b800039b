"""The mean head as one bent grid, with the 68 points on it.

Head coordinates are centimetres: x to the right of the picture (the subject's left), y down, z towards the viewer; the
origin lies inside the head, at the height of the eyes. Rows of the grid run from the crown to below the chin, columns
from behind the subject's right ear round the front to behind the left one. A place on the grid is (row, column), whole
numbers at vertices, so that whatever is tied to a place follows the head through every change of shape and pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

ROWS, COLUMNS = 121, 105
TOP_CM, BOTTOM_CM = -11.2, 11.45
WIDEST_AZIMUTH = np.radians(150.0)

# Heights (y) and, at each, half width, front, back and centre of the horizontal section; the ends are ellipses.
_SECTIONS = np.array(
    [
        [-3.0, 7.45, 9.20, -9.8, -0.5],
        [-1.0, 7.35, 9.05, -9.8, -0.5],
        [1.0, 7.20, 8.95, -9.3, -0.5],
        [2.5, 7.05, 8.95, -8.6, -0.4],
        [4.0, 6.75, 9.00, -7.4, 0.0],
        [6.0, 6.20, 9.05, -4.5, 1.2],
        [7.5, 5.50, 8.95, -1.5, 2.6],
        [9.0, 4.40, 8.80, 1.6, 4.0],
        [9.8, 3.60, 8.80, 3.0, 4.8],
    ]
)
# Height of the nose ridge over the face and its width, by y.
_NOSE = np.array(
    [
        [-2.4, 0.00, 0.70],
        [-1.0, 0.28, 0.70],
        [0.4, 0.85, 0.72],
        [2.0, 1.55, 0.85],
        [3.4, 2.20, 1.00],
        [4.1, 2.45, 1.12],
        [4.7, 2.05, 1.25],
        [5.15, 1.10, 1.30],
        [5.6, 0.15, 1.20],
        [6.0, 0.00, 1.10],
    ]
)
# Bumps in front: amplitude, x, y, width, height; those off the middle are mirrored.
_BUMPS = np.array(
    [
        [0.80, 1.38, 4.60, 0.50, 0.55],  # wings of the nose
        [-1.15, 2.95, 0.00, 2.00, 1.25],  # eye sockets
        [0.80, 3.20, 0.00, 1.40, 0.90],  # eyeballs
        [0.40, 3.10, -2.20, 2.40, 0.80],  # brow ridges
        [0.45, 4.90, 2.70, 1.80, 1.50],  # cheekbones
        [-0.30, 4.60, 6.20, 1.40, 2.00],  # hollow of the cheeks
        [0.45, 0.00, 7.00, 2.90, 2.00],  # muzzle
        [0.42, 0.00, 6.60, 1.90, 0.45],  # upper lip
        [0.48, 0.00, 8.05, 1.70, 0.50],  # lower lip
        [-0.30, 2.60, 7.25, 0.60, 0.60],  # corners of the mouth
        [-0.12, 0.00, 5.90, 0.35, 0.40],  # philtrum
        [-0.35, 0.00, 8.95, 1.60, 0.45],  # groove over the chin
        [0.45, 0.00, 10.10, 1.60, 0.90],  # chin
        [-0.14, 2.15, 5.30, 0.32, 0.60],  # fold from nose to mouth, in three parts
        [-0.14, 2.65, 6.10, 0.32, 0.60],
        [-0.12, 3.05, 6.90, 0.32, 0.60],
    ]
)
# Points 17 to 67 in front view; the mouth stands a little open, so that its inside has room on the grid.
_RIGHT_BROW = [(-5.6, -1.6), (-4.75, -2.45), (-3.6, -2.75), (-2.4, -2.6), (-1.3, -2.2)]
_NOSE_POINTS = [(0, -0.4), (0, 1.0), (0, 2.4), (0, 3.85), (-1.5, 4.95), (-0.8, 5.2), (0, 5.4), (0.8, 5.2), (1.5, 4.95)]
_RIGHT_EYE = [(-4.65, 0.1), (-3.8, -0.55), (-2.7, -0.55), (-1.75, 0.2), (-2.7, 0.5), (-3.8, 0.55)]
_LEFT_EYE = [(1.75, 0.2), (2.7, -0.55), (3.8, -0.55), (4.65, 0.1), (3.8, 0.55), (2.7, 0.5)]
_OUTER_LIPS = [(-2.5, 7.25), (-1.6, 6.65), (-0.6, 6.3), (0, 6.42), (0.6, 6.3), (1.6, 6.65), (2.5, 7.25)]
_OUTER_LIPS += [(1.6, 8.2), (0.65, 8.55), (0, 8.62), (-0.65, 8.55), (-1.6, 8.2)]
_INNER_LIPS = [
    (-2.15, 7.27),
    (-0.75, 6.98),
    (0, 7.02),
    (0.75, 6.98),
    (2.15, 7.27),
    (0.75, 7.7),
    (0, 7.74),
    (-0.75, 7.7),
]
# Directions of the contour points, seen from below the nose; 0 is down.
_CONTOUR_CENTRE = (0.0, 3.0)
_CONTOUR_ANGLES = np.radians([-110, -97, -84, -71, -58, -45, -30.5, -14.5, 0])


@dataclass(frozen=True)
class Template:
    """Hold the mean head.

    Attributes:
        vertices: (ROWS, COLUMNS, 3) head coordinates.
        azimuth: (COLUMNS,) radians, 0 in front.
        height: (ROWS,) y of the rows.
        places: (68, 2) rows and columns of the landmarks.
    """

    vertices: FloatArray
    azimuth: FloatArray
    height: FloatArray
    places: FloatArray


@cache
def head_template() -> Template:
    """Build the mean head once."""
    height = _spread(TOP_CM, BOTTOM_CM, ROWS, _row_density)
    half = _spread(0.0, WIDEST_AZIMUTH, COLUMNS // 2 + 1, lambda a: 1 + 2.2 * np.exp(-((a / 0.75) ** 2)))
    azimuth = np.concatenate([-half[:0:-1], half])
    vertices = _with_ears(_with_features(_bare_head(height, azimuth)))
    front = [*_RIGHT_BROW, *((-x, y) for x, y in reversed(_RIGHT_BROW)), *_NOSE_POINTS, *_RIGHT_EYE, *_LEFT_EYE]
    inner = np.array([_front_place(vertices, azimuth, x, y) for x, y in [*front, *_OUTER_LIPS, *_INNER_LIPS]])
    places = np.concatenate([_contour_places(vertices), inner])
    for array in (vertices, azimuth, height, places):
        array.setflags(write=False)
    return Template(vertices, azimuth, height, places)


def surface_normals(vertices: FloatArray) -> FloatArray:
    """Give outward unit normals (R, C, 3) of a grid (R, C, 3) laid out like the head."""
    x, y, z = np.moveaxis(vertices, -1, 0)
    (ax, ay, az), (bx, by, bz) = ([_slope(part, axis) for part in (x, y, z)] for axis in (1, 0))
    normals = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
    length = np.sqrt(normals[..., 0] ** 2 + normals[..., 1] ** 2 + normals[..., 2] ** 2)
    return np.asarray(normals / np.maximum(length, 1e-9)[..., None])


def at_places(values: FloatArray, places: FloatArray) -> FloatArray:
    """Interpolate a grid (R, C, D) at places (N, 2), bilinearly; (N, D)."""
    limit = np.array(values.shape[:2]) - 2
    corner = np.clip(np.floor(places).astype(np.int64), 0, limit)
    (down, right), (row, column) = (places - corner).T[..., None], corner.T
    upper = values[row, column] * (1 - right) + values[row, column + 1] * right
    lower = values[row + 1, column] * (1 - right) + values[row + 1, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def _slope(values: FloatArray, axis: int) -> FloatArray:
    """Take the difference of both neighbours, at the ends of the only one."""
    along = np.moveaxis(values, axis, 0)
    slope = np.concatenate([along[1:2] - along[:1], along[2:] - along[:-2], along[-1:] - along[-2:-1]])
    return np.moveaxis(slope, 0, axis)


def _row_density(y: FloatArray) -> FloatArray:
    mouth, eyes = 1.6 * np.exp(-(((y - 7.2) / 1.6) ** 2)), 0.8 * np.exp(-((y / 1.4) ** 2))
    # The surface turns away from the vertical at both ends, where equal steps in y would be long steps on it.
    ends = 5 * np.exp((TOP_CM - y) / 0.3) + 5 * np.exp((y - BOTTOM_CM) / 0.2)
    return np.asarray(1 + mouth + eyes + ends)


def _spread(low: float, high: float, count: int, density: object) -> FloatArray:
    """Spread `count` numbers from low to high so that they lie closer where the density is greater."""
    fine = np.linspace(low, high, 4001)
    share = np.concatenate([[0.0], np.cumsum(density(fine)[:-1])])  # type: ignore[operator]
    return np.interp(np.linspace(0, share[-1], count), share, fine)


def _section(y: FloatArray) -> tuple[FloatArray, ...]:
    """Give half width, front, back and centre of the horizontal sections at heights y."""
    fine = np.linspace(-6.0, 13.0, 1901)
    kernel = np.exp(-((np.arange(-150, 151) / 50.0) ** 2))
    columns = []
    for column in _SECTIONS.T[1:]:
        slope_low = (column[1] - column[0]) / 2.0
        slope_high = (column[-1] - column[-2]) / 0.8
        values = np.interp(fine, _SECTIONS[:, 0], column)
        values = values + slope_low * np.minimum(fine + 3.0, 0) + slope_high * np.maximum(fine - 9.8, 0)
        padded = np.pad(values, 150, mode="edge")
        columns.append(np.interp(y, fine, np.convolve(padded, kernel / kernel.sum(), mode="valid")))
    width, front, back, centre = columns
    skull = np.sqrt(np.clip(1 - np.clip((-3.0 - y) / 8.2, 0, 1) ** 2, 0, 1))
    chin = np.sqrt(np.clip(1 - np.clip((y - 9.6) / 1.85, 0, 1) ** 2, 0, 1))
    closing = np.where(y < 0, skull, chin**0.9)
    return width * closing, centre + (front - centre) * closing, centre + (back - centre) * closing, centre


def _bare_head(height: FloatArray, azimuth: FloatArray) -> FloatArray:
    width, front, back, centre = (part[:, None] for part in _section(height))
    sine, cosine = np.sin(azimuth), np.cos(azimuth)
    # A little squarer than an ellipse: the front of a face is flat.
    x = width * np.sign(sine) * np.abs(sine) ** 0.9
    depth = np.where(cosine > 0, front - centre, centre - back)
    z = centre + depth * np.sign(cosine) * np.abs(cosine) ** 0.9
    return np.stack([x, np.broadcast_to(height[:, None], x.shape), z], axis=-1)


def _with_features(vertices: FloatArray) -> FloatArray:
    x, y, z = np.moveaxis(vertices, -1, 0)
    ridge, spread = (np.interp(y, _NOSE[:, 0], column) for column in _NOSE.T[1:])
    relief = ridge * np.exp(-((np.abs(x) / spread) ** 2.2))
    for amplitude, at_x, at_y, wide, high in _BUMPS:
        for side in {at_x, -at_x}:
            relief = relief + amplitude * np.exp(-(((x - side) / wide) ** 2) - ((y - at_y) / high) ** 2)
    return np.stack([x, y, z + relief * np.clip((z - 1.5) / 3.0, 0, 1)], axis=-1)


def _with_ears(vertices: FloatArray) -> FloatArray:
    x, y, z = np.moveaxis(vertices, -1, 0)
    # The ear leans back: its axis moves from z = -1 at the lobe to -2 at the top.
    along, across = (y - 1.4) / 2.9, (z + 1.6 - 0.18 * (y - 1.4)) / 1.6
    shell = np.exp(-((along**2 + across**2) ** 2)) * (np.abs(x) > 4)
    cup = np.exp(-(((y - 1.2) / 1.5) ** 2) - (((z + 1.0) / 0.7) ** 2)) * (np.abs(x) > 4)
    outward = 1.15 * shell - 0.55 * cup
    return np.stack([x + np.sign(x) * outward, y, z - 0.7 * shell], axis=-1)


def _front_place(vertices: FloatArray, azimuth: FloatArray, x: float, y: float) -> FloatArray:
    """Solve for the place seen at (x, y) in front view: the row is y's own, the column follows from x."""
    rows = vertices[:, COLUMNS // 2, 1]
    row = float(np.interp(y, rows, np.arange(ROWS)))
    low = min(int(row), ROWS - 2)
    line = vertices[low, :, 0] * (low + 1 - row) + vertices[low + 1, :, 0] * (row - low)
    ahead = np.flatnonzero(np.abs(azimuth) < np.radians(80))
    return np.array([row, np.interp(x, line[ahead], ahead)])


def _contour_places(vertices: FloatArray) -> FloatArray:
    """Find the 17 places farthest out in their directions, among those that still face the viewer a little."""
    right = vertices[:, : COLUMNS // 2 + 1]
    normals = surface_normals(vertices)[:, : COLUMNS // 2 + 1]
    offset = right[..., :2] - np.array(_CONTOUR_CENTRE)
    angle, radius = np.arctan2(offset[..., 0], offset[..., 1]), np.hypot(offset[..., 0], offset[..., 1])
    # Ears are no part of the contour, so that the front quarter of the grid is searched only.
    eligible = (normals[..., 2] > 0.12) & (right[..., 2] > 0.8) & (right[..., 1] > -1.0)
    places = []
    for wanted in _CONTOUR_ANGLES:
        merit = np.where(eligible, radius - 40 * np.abs(angle - wanted), -np.inf)
        places.append(np.unravel_index(np.argmax(merit), merit.shape))
    found = np.array(places, dtype=np.float64)
    found[-1, 1] = COLUMNS // 2
    mirrored = np.stack([found[-2::-1, 0], COLUMNS - 1 - found[-2::-1, 1]], axis=1)
    return np.concatenate([found, mirrored])
