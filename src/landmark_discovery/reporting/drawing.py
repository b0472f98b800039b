"""Marks, words and tiles on uint8 RGB pictures, and the writing of pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.files import atomic_file

Picture = NDArray[np.uint8]
Color = tuple[int, int, int]
PAPER: Color = (255, 255, 255)
INK: Color = (34, 34, 34)
GREY: Color = (110, 110, 110)
_DARK: Color = (20, 20, 20)
# Marks and words are drawn so many times larger and averaged, which makes their edges smooth.
_FINER = 6
# OpenCV takes places as whole numbers of which so many bits are the fraction.
_FRACTION_BITS = 4


def blank(height_px: int, width_px: int) -> Picture:
    """Give an empty picture, (height, width, 3)."""
    return np.full((height_px, width_px, 3), PAPER, dtype=np.uint8)


def draw_marker(picture: Picture, point: ArrayLike, color: Color, radius_px: float, shape: str = "disc") -> None:
    """Draw onto `picture` a filled mark with a light and a dark rim, seen on any background.

    Args:
        picture: (H, W, 3), changed in place.
        point: (x, y) in pixels of the picture; NaN: nothing is drawn.
        color: RGB of the fill.
        radius_px: of the fill, without its rims.
        shape: one of `colors.MARKERS`.
    """
    rim = max(0.9, 0.22 * radius_px)
    with _finer(picture, point, 2 * radius_px + 4 * rim) as (canvas, centre):
        for extra, fill in ((2 * rim, _DARK), (rim, PAPER), (0.0, color)):
            cv2.fillPoly(canvas, [_outline(centre, (radius_px + extra) * _FINER, shape)], fill)


def draw_cross(picture: Picture, point: ArrayLike, color: Color, radius_px: float) -> None:
    """Draw a diagonal cross with a dark rim onto `picture` (H, W, 3), in place; NaN draws nothing."""
    with _finer(picture, point, 2 * radius_px + 2) as (canvas, centre):
        for share, fill in ((1.0, _DARK), (0.5, color)):
            reach = round((radius_px - 0.25 * (1 - share) * radius_px) * _FINER)
            for slope in (1, -1):
                ends = [(centre[0] + side * reach, centre[1] + side * slope * reach) for side in (-1, 1)]
                cv2.line(canvas, ends[0], ends[1], fill, round(share * radius_px * _FINER))


def draw_ring(picture: Picture, point: ArrayLike, color: Color, radius_px: float, width_px: float = 2) -> None:
    """Draw an open circle with a dark rim onto `picture` (H, W, 3), in place, so that what it marks stays visible."""
    with _finer(picture, point, radius_px + 2 * width_px) as (canvas, centre):
        for extra, fill in ((2.4, _DARK), (1.2, PAPER), (0.0, color)):
            cv2.circle(canvas, centre, round(radius_px * _FINER), fill, round((width_px + extra) * _FINER))


def draw_line(picture: Picture, start: ArrayLike, end: ArrayLike, color: Color, width_px: int = 2) -> None:
    """Draw a line between two (x, y) onto `picture` (H, W, 3), in place; NaN draws nothing."""
    ends = np.asarray([start, end], dtype=np.float64)
    if np.isfinite(ends).all():
        first, last = np.rint(ends * (1 << _FRACTION_BITS)).astype(int).tolist()
        cv2.line(picture, first, last, color, width_px, cv2.LINE_AA, _FRACTION_BITS)


def draw_dot(picture: Picture, point: ArrayLike, color: Color, radius_px: float) -> None:
    """Draw a plain dot, for where many stand close together, onto `picture` (H, W, 3), in place; NaN draws nothing."""
    place = np.asarray(point, dtype=np.float64)
    if np.isfinite(place).all():
        scale = 1 << _FRACTION_BITS
        centre = np.rint(place * scale).astype(int).tolist()
        cv2.circle(picture, centre, round(radius_px * scale), color, cv2.FILLED, cv2.LINE_AA, _FRACTION_BITS)


def draw_text(
    picture: Picture, corner: tuple[int, int], words: str, size_px: int, color: Color = INK, halo: bool = False
) -> None:
    """Write `words` onto `picture` (H, W, 3), in place; `corner` is the (x, y) of their top left pixel."""
    mask = text_mask(words, size_px)
    if halo:
        wider = cv2.GaussianBlur(cv2.dilate(mask, np.ones((3, 3), dtype=np.uint8)), (3, 3), 0)
        _blend(picture, corner, wider.astype(np.float32), PAPER if sum(color) < 384 else _DARK)
    _blend(picture, corner, mask, color)


@lru_cache(maxsize=512)
def text_mask(words: str, size_px: int) -> NDArray[np.float32]:
    """Render words as coverage from 0 to 1, (1.4 * size_px, width), in the font that matplotlib brings."""
    if not words.strip():
        return np.zeros((math.ceil(1.4 * size_px), 1), dtype=np.float32)
    font = FontProperties(family="DejaVu Sans")
    letters = TextPath((0, 0), words, size=size_px * _FINER, prop=font)
    outlines = [np.asarray(line, dtype=np.float64) for line in letters.to_polygons()]
    width = max(float(line[:, 0].max()) for line in outlines)
    canvas = np.zeros((math.ceil(1.4 * size_px) * _FINER, (math.ceil(width / _FINER) + 2) * _FINER), dtype=np.uint8)
    baseline = 1.08 * size_px * _FINER
    contours = [np.rint(np.stack([line[:, 0], baseline - line[:, 1]], axis=-1)).astype(np.int32) for line in outlines]
    # Filled together, so that the inner contour of an "o" stays open.
    cv2.fillPoly(canvas, contours, 255)
    size = (canvas.shape[1] // _FINER, canvas.shape[0] // _FINER)
    return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def tile(pictures: Sequence[Picture], columns: int, gap_px: int = 6) -> Picture:
    """Lay pictures of one size (H, W, 3) out in rows, with a margin of the gap's width all around."""
    height, width = pictures[0].shape[:2]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = blank(rows * (height + gap_px) + gap_px, columns * (width + gap_px) + gap_px)
    for position, picture in enumerate(pictures):
        row, column = divmod(position, columns)
        top, left = gap_px + row * (height + gap_px), gap_px + column * (width + gap_px)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def stack(pictures: Sequence[Picture]) -> Picture:
    """Set pictures below each other, narrower ones filled up with white on the right."""
    width = max(picture.shape[1] for picture in pictures)
    sheets = [blank(picture.shape[0], width) for picture in pictures]
    for sheet, picture in zip(sheets, pictures, strict=True):
        sheet[:, : picture.shape[1]] = picture
    return np.concatenate(sheets)


def write_picture(path: str | Path, picture: Picture) -> None:
    """Write a picture (H, W, 3) RGB as PNG, whole or not at all; equal pictures give equal bytes."""
    encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 6])[1]
    with atomic_file(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


@contextmanager
def _finer(picture: Picture, point: ArrayLike, reach_px: float) -> Iterator[tuple[Picture, tuple[int, int]]]:
    """Yield the surroundings of a point enlarged for drawing, and shrink them back into the picture: smooth edges."""
    place = np.nan_to_num(np.asarray(point, dtype=np.float64), nan=np.inf)
    low = np.maximum(np.floor(place - reach_px), 0)
    high = np.minimum(np.ceil(low + 2 * reach_px + 2), (picture.shape[1], picture.shape[0]))
    if (low >= high).any():
        yield blank(1, 1), (0, 0)
        return
    (left, top), (right, bottom) = low.astype(int), high.astype(int)
    part = picture[top:bottom, left:right]
    canvas = part.repeat(_FINER, axis=0).repeat(_FINER, axis=1)
    x, y = ((place - (left, top) + 0.5) * _FINER - 0.5).round().astype(int)
    yield canvas, (int(x), int(y))
    part[...] = cv2.resize(canvas, (right - left, bottom - top), interpolation=cv2.INTER_AREA)


def _outline(centre: tuple[int, int], radius: float, shape: str) -> NDArray[np.int32]:
    sides, first_degrees, larger = {
        "disc": (72, 0.0, 1.0),
        "square": (4, 45.0, 1.25),
        "diamond": (4, 0.0, 1.3),
        "triangle": (3, -90.0, 1.4),
    }[shape]
    angles = np.deg2rad(first_degrees + np.arange(sides) * 360 / sides)
    corners = np.asarray(centre) + larger * radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.rint(corners).astype(np.int32)


def _blend(picture: Picture, corner: tuple[int, int], mask: NDArray[np.float32], color: Color) -> None:
    left, top = corner
    from_left, from_top = max(0, -left), max(0, -top)
    part = picture[max(0, top) : top + mask.shape[0], max(0, left) : left + mask.shape[1]]
    share = mask[from_top : from_top + part.shape[0], from_left : from_left + part.shape[1], None]
    part[...] = np.rint(part * (1 - share) + np.asarray(color, dtype=np.float32) * share).astype(np.uint8)
