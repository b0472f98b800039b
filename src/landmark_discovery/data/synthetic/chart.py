"""What lies where on the skin: one picture of masks, laid over the grid of the head."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.rasteriser import FloatMap
from landmark_discovery.data.synthetic.template import COLUMNS, ROWS, FloatArray, head_template

STEP = 6
HEIGHT, WIDTH = (ROWS - 1) * STEP + 1, (COLUMNS - 1) * STEP + 1
# The brow mask holds the distance to the middle line of the brow, up to this many centimetres.
BROW_REACH_CM = 1.0
_RIGHT_BROW, _LEFT_BROW = [17, 18, 19, 20, 21], [26, 25, 24, 23, 22]


@dataclass(frozen=True)
class Chart:
    """Hold masks from 0 to 255 over the head.

    Attributes:
        names: what each channel is.
        masks: (HEIGHT * WIDTH, channels) uint8.
    """

    names: tuple[str, ...]
    masks: NDArray[np.uint8]

    def read(self, rows: FloatMap, columns: FloatMap) -> Mapping[str, FloatMap]:
        """Look up all masks, 0 to 1, at places (P,)."""
        place = np.rint(rows * STEP).astype(np.int64) * WIDTH + np.rint(columns * STEP).astype(np.int64)
        values = self.masks[place].T.astype(np.float32) / np.float32(255)
        return dict(zip(self.names, values, strict=True))

    def on_grid(self, name: str) -> FloatArray:
        """Give one mask, 0 to 1, at the vertices; (ROWS, COLUMNS)."""
        picture = self.masks[:, self.names.index(name)].reshape(HEIGHT, WIDTH)
        return picture[::STEP, ::STEP].astype(np.float64) / 255


@cache
def skin_chart() -> Chart:
    """Paint the masks once."""
    columns, rows = np.meshgrid(np.arange(WIDTH, dtype=np.float32) / STEP, np.arange(HEIGHT, dtype=np.float32) / STEP)
    surface = np.asarray(
        cv2.remap(head_template().vertices.astype(np.float32), columns, rows, cv2.INTER_LINEAR), np.float32
    )
    masks = {**_mouth_masks(), **_eye_masks(surface), **_hair_masks(surface), **_tint_masks(surface)}
    stacked = np.stack([np.rint(np.clip(mask, 0, 1) * 255) for mask in masks.values()], axis=-1)
    return Chart(tuple(masks), stacked.reshape(HEIGHT * WIDTH, -1).astype(np.uint8))


def closed_curve(points: FloatArray, corners: tuple[int, ...], steps: int = 8) -> FloatArray:
    """Round a polygon (N, 2) off between its corners, through all its points (Catmull-Rom); (N * steps, 2)."""
    before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
    slope = (after - before) / 2
    slope[list(corners)] = 0
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    start, end = points[:, None], after[:, None]
    leave, arrive = slope[:, None], np.roll(slope, -1, axis=0)[:, None]
    cubic = (2 * t**3 - 3 * t**2 + 1) * start + (t**3 - 2 * t**2 + t) * leave
    return (cubic + (-2 * t**3 + 3 * t**2) * end + (t**3 - t**2) * arrive).reshape(-1, 2)


def _outline(first: int, end: int, corners: tuple[int, ...]) -> FloatArray:
    """Give the rounded outline of landmarks in pixels of the chart, (x, y)."""
    return closed_curve(head_template().places[first:end, ::-1] * STEP, corners)


def _filled(outline: FloatArray) -> FloatArray:
    canvas = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    cv2.fillPoly(canvas, [np.rint(outline * 16).astype(np.int32)], (255,), cv2.LINE_AA, shift=4)
    return canvas.astype(np.float64) / 255


def _fraction_down(outline: FloatArray) -> FloatArray:
    """Say how far down inside an outline each pixel lies: 0 at its upper edge, 1 at its lower."""
    inside = _filled(outline) > 0.5
    row = np.arange(HEIGHT)[:, None] * np.ones((1, WIDTH))
    top = np.where(inside, row, np.inf).min(axis=0)
    bottom = np.where(inside, row, -np.inf).max(axis=0)
    with np.errstate(invalid="ignore"):
        share = (row - top) / np.maximum(bottom - top, 1)
    return np.where(np.isfinite(share), np.clip(share, 0, 1), 0.0)


def _mouth_masks() -> dict[str, FloatArray]:
    outer, inner = _outline(48, 60, (0, 6)), _outline(60, 68, (0, 4))
    inside = _filled(inner)
    return {"lips": _filled(outer) * (1 - inside), "mouth": inside, "mouth_down": _fraction_down(inner)}


def _eye_masks(surface: FloatMap) -> dict[str, FloatArray]:
    right, left = _outline(36, 42, (0, 3)), _outline(42, 48, (0, 3))
    points = head_template().places
    seen = np.zeros((HEIGHT, WIDTH, 3))
    for upper, lower in (([36, 37, 38, 39], [36, 41, 40, 39]), ([45, 44, 43, 42], [45, 46, 47, 42])):
        lid, under = (_rounded_line(points[line, ::-1] * STEP, surface) for line in (upper, lower))
        crease = lid + np.array([0.0, -0.42])
        bag = under + np.array([0.0, 0.55])
        distances = [_distance(surface, line) for line in (lid, under, crease, bag)]
        widths = (0.17, 0.09, 0.16, 0.30)
        lines = [np.exp(-((d / w) ** 2)) for d, w in zip(distances, widths, strict=True)]
        seen = np.maximum(seen, np.stack([lines[0], lines[1], lines[2]], axis=-1))
        seen[..., 2] = np.maximum(seen[..., 2], 0.35 * lines[3])
    ahead = surface[..., 2] > 2
    down = _fraction_down(right) + _fraction_down(left)
    eyes = _filled(right) + _filled(left)
    lids = {"upper_lash": seen[..., 0], "lower_lash": seen[..., 1], "lid_crease": seen[..., 2]}
    return {"eyes": eyes, "eye_down": down, **{name: line * ahead for name, line in lids.items()}}


def _hair_masks(surface: FloatMap) -> dict[str, FloatArray]:
    x, y, z = np.moveaxis(surface.astype(np.float64), -1, 0)
    points = head_template().places
    distance = np.full((HEIGHT, WIDTH), np.inf)
    for order in (_RIGHT_BROW, _LEFT_BROW):
        line = _rounded_line(points[order, ::-1] * STEP, surface) + np.array([0.0, 0.1])
        here = np.where(surface[..., 2] > 0, _distance(surface, line), np.inf)
        distance = np.minimum(distance, here)
    inner, outer = 1.2, 5.7
    along = np.clip((np.abs(x) - inner) / (outer - inner), 0, 1)
    lips = cv2.dilate(_filled(_outline(48, 60, (0, 6))), np.ones((7, 7)))
    upper_edge = np.interp(np.abs(x), [0, 2.6, 3.6, 5.0, 6.2, 7.2], [9.0, 8.4, 7.6, 6.4, 4.2, 1.8])
    beard = _step((y - upper_edge) / 0.9) * _step((z + 1.0) / 1.5)
    chin_tuft = np.exp(-((x / 1.3) ** 2) - ((y - 9.3) / 0.8) ** 2)
    moustache_y = 5.95 + 0.06 * x**2
    moustache = np.exp(-(((y - moustache_y) / 0.42) ** 4)) * _step((3.0 - np.abs(x)) / 0.7) * (z > 0)
    corner = np.exp(-(((np.abs(x) - 2.95) / 0.35) ** 2) - ((y - 7.6) / 1.2) ** 2)
    return {
        "brow": np.clip(distance / BROW_REACH_CM, 0, 1),
        "brow_along": along,
        "beard": np.maximum(beard, chin_tuft) * (1 - lips),
        "moustache": np.maximum(moustache, corner * (z > 0)) * (1 - lips),
    }


def _tint_masks(surface: FloatMap) -> dict[str, FloatArray]:
    x, y, z = np.moveaxis(surface.astype(np.float64), -1, 0)
    ahead = z > 2

    def spot(at_x: float, at_y: float, wide: float, high: float) -> FloatArray:
        both = [np.exp(-(((x - side) / wide) ** 2) - ((y - at_y) / high) ** 2) for side in {at_x, -at_x}]
        return np.asarray(np.max(both, axis=0) * ahead)

    nostril = spot(0.74, 4.93, 0.36, 0.26)
    blush = np.maximum(spot(4.3, 3.6, 1.7, 1.3), 0.7 * spot(0, 4.2, 1.2, 0.9))
    ear = np.exp(-(((y - 1.2) / 1.7) ** 2) - (((z + 1.2) / 0.8) ** 2)) * (np.abs(x) > 4)
    parts = [0.75 * spot(1.75, -0.1, 0.9, 0.9), 0.25 * spot(3.2, 0, 2.2, 1.1), 0.55 * spot(0, 5.5, 1.9, 0.35)]
    parts += [0.5 * spot(1.95, 4.7, 0.3, 0.7), 0.45 * spot(2.75, 7.3, 0.35, 0.35), 0.4 * spot(0, 9.0, 1.4, 0.35)]
    parts += [0.28 * spot(2.3, 5.5, 0.25, 0.7), 0.28 * spot(2.8, 6.4, 0.25, 0.6), 0.75 * ear]
    parts += [0.7 * _step((y - 10.9) / 0.6), 0.5 * _step((y - 8.0) / 2.0) * _step((2.5 - z) / 2.0)]
    return {"nostril": nostril, "blush": blush, "occlusion": np.max(parts, axis=0), "ear": ear}


def _step(values: FloatArray) -> FloatArray:
    share = np.clip(values, 0, 1)
    return share * share * (3 - 2 * share)


def _rounded_line(points: FloatArray, surface: FloatMap) -> FloatArray:
    """Run a smooth line through chart pixels (N, 2) and give it in head coordinates x, y."""
    there_and_back = np.concatenate([points, points[-2:0:-1]])
    line = closed_curve(there_and_back, (0, len(points) - 1))[: (len(points) - 1) * 8 + 1]
    column, row = np.rint(line).astype(np.int64).T
    return surface[row, column, :2].astype(np.float64)


def _distance(surface: FloatMap, line: FloatArray) -> FloatArray:
    """Measure in front view how far each pixel of the chart is from a line (N, 2), in centimetres; inf if far."""
    margin = 1.2 * BROW_REACH_CM
    low, high = line.min(axis=0) - margin, line.max(axis=0) + margin
    near = (surface[..., 2] > 0) & np.all((surface[..., :2] > low) & (surface[..., :2] < high), axis=-1)
    here = surface[near][:, :2].astype(np.float64)
    nearest = np.full(len(here), np.inf)
    for start, end in itertools.pairwise(line):
        span = end - start
        share = np.clip(((here - start) @ span) / max(float(span @ span), 1e-12), 0, 1)
        nearest = np.minimum(nearest, np.hypot(*(here - start - share[:, None] * span).T))
    result = np.full(near.shape, np.inf)
    result[near] = nearest
    return result
