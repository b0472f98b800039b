"""Landmark grids: many images side by side, each landmark in its colour."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.geometry import resize_points
from landmark_discovery.reporting.colors import landmark_colors, landmark_marker
from landmark_discovery.reporting.drawing import (
    GREY,
    Color,
    Picture,
    blank,
    draw_marker,
    draw_text,
    stack,
    text_mask,
    tile,
)

TILE_PX = 192
# With more landmarks, colours alone no longer tell them apart at a glance.
PLAIN_LANDMARKS = 10


def landmark_grid(
    crops: NDArray[np.uint8],
    landmarks: NDArray[np.float64],
    columns: int = 6,
    tile_px: int = TILE_PX,
    numbered: bool | None = None,
    title: str | None = None,
) -> Picture:
    """Draw the landmarks of many images onto them, with a key of colours below.

    Args:
        crops: (N, S, S, 3), at least one.
        landmarks: (N, K, 2) in crop pixels; NaN: not found, left out.
        columns: images in a row.
        tile_px: width and height at which an image is shown.
        numbered: write each landmark's number beside it; None: where there are more than ten landmarks.
        title: a line above the grid.
    """
    with_numbers = landmarks.shape[1] > PLAIN_LANDMARKS if numbered is None else numbered
    places = resize_points(landmarks, crops.shape[1], tile_px)
    tiles = [
        draw_landmarks(enlarged(crop, tile_px), points, with_numbers)
        for crop, points in zip(crops, places, strict=True)
    ]
    sheet = tile(tiles, columns)
    key = landmark_key(np.isfinite(landmarks).all(axis=-1).mean(axis=0), sheet.shape[1])
    return stack(([title_line(title, sheet.shape[1])] if title else []) + [sheet, key])


def draw_landmarks(
    crop: Picture, landmarks: NDArray[np.float64], numbered: bool, radius_share: float = 1 / 56
) -> Picture:
    """Draw landmarks (K, 2), in crop pixels, onto a copy of a crop (S, S, 3).

    Args:
        crop: what to draw on.
        landmarks: NaN: not found, left out.
        numbered: write each landmark's number beside it.
        radius_share: radius of the markers as a share of the crop's side.
    """
    picture = crop.copy()
    mark_landmarks(picture, landmarks, max(2.5, radius_share * crop.shape[0]), numbered)
    return picture


def mark_landmarks(
    picture: Picture, landmarks: NDArray[np.float64], radius_px: float, numbered: bool, text_px: int = 10
) -> None:
    """Draw landmarks (K, 2), in pixels, onto a picture (H, W, 3) in place; NaN: not found, left out."""
    for landmark, (point, color) in enumerate(zip(landmarks, rgb(len(landmarks)), strict=True)):
        draw_marker(picture, point, color, radius_px, landmark_marker(landmark))
        if numbered and np.isfinite(point).all():
            corner = (round(point[0] + 2 * radius_px), round(point[1] - 3 * radius_px))
            draw_text(picture, corner, str(landmark), text_px, (255, 255, 255), halo=True)


def landmark_key(found: NDArray[np.float64], width_px: int) -> Picture:
    """Draw the key of colours: marker, number, and in how many of the images each landmark was found.

    Args:
        found: share of images with each landmark, (K,), 0 to 1.
        width_px: width of the key, which takes as many lines as it needs.
    """
    words = [f"{landmark}: {100 * share:.0f} %" for landmark, share in enumerate(found)]
    step = max((text_mask(word, 13).shape[1] for word in words), default=0) + 44
    columns = max(1, (width_px - 12) // step)
    key = blank(34 + 26 * -(-len(words) // columns), width_px)
    draw_text(key, (8, 2), "Landmark, and the share of these images in which it was found", 12, GREY)
    for landmark, (word, color) in enumerate(zip(words, rgb(len(words)), strict=True)):
        row, column = divmod(landmark, columns)
        left, top = 12 + column * step, 26 + row * 26
        draw_marker(key, (left + 8, top + 11), color, 6, landmark_marker(landmark))
        draw_text(key, (left + 22, top + 3), word, 13)
    return key


def title_line(words: str, width_px: int) -> Picture:
    """Write one line of words on white, (30, width_px, 3)."""
    line = blank(30, width_px)
    draw_text(line, (8, 8), words, 14, GREY)
    return line


def enlarged(crop: Picture, size_px: int) -> Picture:
    """Resize a crop (S, S, 3) to (size_px, size_px, 3)."""
    method = cv2.INTER_CUBIC if size_px > crop.shape[0] else cv2.INTER_AREA
    return np.asarray(cv2.resize(crop, (size_px, size_px), interpolation=method), dtype=np.uint8)


def rgb(count: int) -> Sequence[Color]:
    """Give the colours of `count` landmarks as plain numbers, for drawing."""
    return [(int(red), int(green), int(blue)) for red, green, blue in landmark_colors(count)]
