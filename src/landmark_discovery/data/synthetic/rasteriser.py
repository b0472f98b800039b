"""Turn bent grids into pixels: which place of which grid each pixel shows, and how near it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# Pictures and lists of fragments; computed in single precision.
FloatMap = NDArray[np.floating]
# A cell of the grid is sampled one of so many times down and across, at least once a pixel.
_STEPS = np.array([1, 2, 4, 7, 14, 28, 56, 112, 224])
_SAMPLES_A_PIXEL = 1.05


@dataclass(frozen=True)
class Sheet:
    """Hold one grid to draw.

    Attributes:
        position: (R, C, 3) picture coordinates: pixels right, pixels down, pixels towards the viewer.
        present: (R, C) above 0 where there is any surface; None for all of it.
        two_sided: draw what faces away, too.
    """

    position: NDArray[np.float64]
    present: NDArray[np.float64] | None = None
    two_sided: bool = False


@dataclass(frozen=True)
class Fragments:
    """Hold what the pixels of one sheet show.

    Attributes:
        pixels: (P,) positions in the flattened picture.
        rows: (P,) place on the grid.
        columns: (P,) place on the grid.
    """

    pixels: NDArray[np.int64]
    rows: FloatMap
    columns: FloatMap


def rasterise(sheets: Sequence[Sheet], height_px: int, width_px: int, step: float) -> tuple[list[Fragments], FloatMap]:
    """Draw sheets into one depth buffer.

    Args:
        sheets: grids; where two are equally near, the later wins.
        height_px: height of the picture.
        width_px: width of the picture.
        step: difference in depth, in pixels, that makes one surface hide another; smaller ones belong to one surface.

    Returns:
        Fragments for each sheet, and the depth (H, W) in pixels towards the viewer, -inf where there is nothing.
    """
    parts = [_samples(sheet, height_px, width_px) for sheet in sheets]
    columns_px, rows_px, depth, rows, columns = np.concatenate(parts, axis=1)
    pixel = rows_px.astype(np.int64) * width_px + columns_px.astype(np.int64)
    nearest = _nearest(pixel, depth, height_px * width_px, step)
    nearest = _fill_pinholes(nearest.reshape(height_px, width_px)).ravel()
    drawn = nearest >= 0
    buffer = np.full(height_px * width_px, -np.inf, dtype=np.float32)
    buffer[drawn] = depth[nearest[drawn]]
    fragments, start = [], 0
    for part in parts:
        end = start + part.shape[1]
        pixels = np.flatnonzero((nearest >= start) & (nearest < end))
        chosen = nearest[pixels]
        fragments.append(Fragments(pixels, rows[chosen], columns[chosen]))
        start = end
    return fragments, buffer.reshape(height_px, width_px)


def _samples(sheet: Sheet, height_px: int, width_px: int) -> FloatMap:
    """Sample the cells that can be seen: pixel right, pixel down, depth, row and column of each sample, (5, S)."""
    position = sheet.position.astype(np.float32)
    seen, down, across = _visible_cells(position, sheet, height_px, width_px)
    rows, columns = np.nonzero(seen)
    group = down[rows, columns] * len(_STEPS) + across[rows, columns]
    planes = list(np.moveaxis(position, -1, 0))
    if sheet.present is not None:
        planes.append(sheet.present.astype(np.float32))
    planar = np.stack(planes)
    parts = [np.zeros((len(planes) + 2, 0), dtype=np.float32)]
    for which in np.unique(group):
        chosen = group == which
        counts = int(_STEPS[which // len(_STEPS)]), int(_STEPS[which % len(_STEPS)])
        parts.append(_cell_samples(planar, rows[chosen], columns[chosen], counts))
    return _inside(np.concatenate(parts, axis=1), height_px, width_px)


def _visible_cells(
    position: FloatMap, sheet: Sheet, height_px: int, width_px: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Choose the cells (R - 1, C - 1) to draw, and how finely: positions in the list of steps, down and across."""
    x, y = position[..., 0], position[..., 1]
    corner_x, corner_y = _corners(x), _corners(y)
    seen = (corner_x.max(axis=0) > -1) & (corner_x.min(axis=0) < width_px)
    seen &= (corner_y.max(axis=0) > -1) & (corner_y.min(axis=0) < height_px)
    if not sheet.two_sided:
        # Twice the area, positive where the face of the cell and not its back is turned to the viewer.
        area = (corner_x[3] - corner_x[0]) * (corner_y[2] - corner_y[1])
        seen &= area - (corner_y[3] - corner_y[0]) * (corner_x[2] - corner_x[1]) > 0
    if sheet.present is not None:
        seen &= _corners(sheet.present).max(axis=0) > 0
    lengths = [np.maximum(np.abs(np.diff(x, axis=axis)), np.abs(np.diff(y, axis=axis))) for axis in (0, 1)]
    down, across = np.maximum(lengths[0][:, 1:], lengths[0][:, :-1]), np.maximum(lengths[1][1:], lengths[1][:-1])
    finest = len(_STEPS) - 1
    steps = [np.minimum(np.searchsorted(_STEPS, length * _SAMPLES_A_PIXEL), finest) for length in (down, across)]
    return seen, steps[0], steps[1]


def _corners(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.stack([values[:-1, :-1], values[:-1, 1:], values[1:, :-1], values[1:, 1:]])


def _cell_samples(
    planar: FloatMap, rows: NDArray[np.int64], columns: NDArray[np.int64], counts: tuple[int, int]
) -> FloatMap:
    """Interpolate planes (D, R, C) within N cells, so many times down and across; (D + 2, samples)."""
    down, across = ((np.arange(count, dtype=np.float32) + np.float32(0.5)) / np.float32(count) for count in counts)
    width = planar.shape[2]
    flat, corner = planar.reshape(len(planar), -1), rows * width + columns
    upper_left, upper_right = flat[:, None, corner], flat[:, None, corner + 1]
    lower_left, lower_right = flat[:, None, corner + width], flat[:, None, corner + width + 1]
    left = upper_left + (lower_left - upper_left) * down[:, None]
    right = upper_right + (lower_right - upper_right) * down[:, None]
    samples = np.empty((len(planar) + 2, len(down), len(across), len(rows)), dtype=np.float32)
    np.multiply((right - left)[:, :, None], across[:, None], out=samples[:-2])
    samples[:-2] += left[:, :, None]
    samples[-2] = (rows.astype(np.float32) + down[:, None])[:, None]
    samples[-1] = columns.astype(np.float32) + across[:, None]
    return samples.reshape(len(samples), -1)


def _inside(samples: FloatMap, height_px: int, width_px: int) -> FloatMap:
    """Round samples to pixels, and keep those in the picture where their surface is present."""
    x, y = np.rint(samples[0]), np.rint(samples[1])
    kept = (x >= 0) & (x < width_px) & (y >= 0) & (y < height_px)
    if len(samples) == 6:
        kept &= samples[3] > 0
    chosen = np.flatnonzero(kept)
    return np.stack([values[chosen] for values in (x, y, samples[2], samples[-2], samples[-1])])


def _nearest(pixel: NDArray[np.int64], depth: FloatMap, count: int, step: float) -> NDArray[np.int64]:
    """Find for each pixel a sample that no other is `step` nearer than, -1 for none."""
    nearest = np.full(count, -1, dtype=np.int64)
    contenders = np.arange(len(pixel))
    while len(contenders):
        # Of samples of one pixel the last one stays; those clearly nearer than it try again.
        nearest[pixel[contenders]] = contenders
        shown = nearest[pixel[contenders]]
        contenders = contenders[depth[contenders] > depth[shown] + np.float32(step)]
    return nearest


def _fill_pinholes(nearest: NDArray[np.int64]) -> NDArray[np.int64]:
    square = np.ones((3, 3), np.uint8)
    dilated = cv2.dilate((nearest >= 0).astype(np.uint8), square)
    # Nothing lies beyond the border, so that a surface that ends there isn't drawn out to it.
    closed = cv2.erode(dilated, square, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    # A picture holds fewer samples than the 2^24 whole numbers that a float32 keeps apart.
    grown = cv2.dilate(nearest.astype(np.float32), square)
    return np.where((nearest < 0) & (closed > 0), grown.astype(np.int64), nearest)
