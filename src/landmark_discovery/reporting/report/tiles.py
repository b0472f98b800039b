"""Images of the report: small ones side by side, as many in a row as fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.store import ImageStore
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.geometry import FloatArray, image_to_crop
from landmark_discovery.reporting import html
from landmark_discovery.reporting.crops import cut_from_store, square_rectangles
from landmark_discovery.reporting.data_uris import data_uri
from landmark_discovery.reporting.drawing import PAPER, Picture, draw_dot, draw_line, draw_ring
from landmark_discovery.reporting.galleries import spread_over_scores
from landmark_discovery.reporting.grids import PLAIN_LANDMARKS, draw_landmarks, enlarged, rgb
from landmark_discovery.reporting.marks import landmark_mark
from landmark_discovery.reporting.pictures import patch_rectangles, places_in_store, rows_of_split

# Tiles are shown smaller than they are drawn, and their marks with them.
_RADIUS_SHARE = 1 / 36
_PATCH_PX = 96
_STRIP_PATCHES = 5
_STRIP_PX = 88
_ERROR = (213, 94, 0)


def landmark_tiles(store: ImageStore, predictions: Predictions, rows: NDArray[np.int64], size_px: int) -> str:
    """Show images with their landmarks.

    Args:
        store: the images.
        predictions: of its images.
        rows: positions in the predictions.
        size_px: width and height of each.
    """
    names = predictions.image[rows]
    pictures = draw_tiles(store, names, predictions.landmarks[rows], size_px)
    return tiles([(picture, f"{name} with its landmarks", "") for picture, name in zip(pictures, names, strict=True)])


def tiles(items: Sequence[tuple[Picture, str, str]], kind: str = "tiles") -> str:
    """Lay pictures out in rows: for each the picture, words instead of it, and words below it."""
    shown = [html.picture(data_uri(picture), alternative, caption) for picture, alternative, caption in items]
    return f'<div class="{kind}">{"".join(f"<div>{one}</div>" for one in shown)}</div>'


def draw_tiles(store: ImageStore, names: NDArray[np.str_], landmarks: FloatArray, size_px: int) -> list[Picture]:
    """Draw landmarks (N, K, 2) in original pixels onto the named images of a store."""
    crops, rectangles = _crops(store, names, size_px)
    places = image_to_crop(landmarks, rectangles, size_px)
    numbered = landmarks.shape[1] > PLAIN_LANDMARKS
    return [draw_landmarks(crop, points, numbered, _RADIUS_SHARE) for crop, points in zip(crops, places, strict=True)]


def draw_error_tiles(
    store: ImageStore, names: NDArray[np.str_], true: FloatArray, predicted: FloatArray, size_px: int
) -> list[Picture]:
    """Draw a line from each predicted point (N, L, 2) to the true one, in original pixels, onto the named images."""
    crops, rectangles = _crops(store, names, size_px)
    ends = [image_to_crop(points, rectangles, size_px) for points in (predicted, true)]
    drawn = []
    for crop, starts, goals in zip(crops, *ends, strict=True):
        picture = crop.copy()
        for start, goal in zip(starts, goals, strict=True):
            draw_line(picture, start, goal, _ERROR)
        for goal in goals:
            draw_dot(picture, goal, PAPER, 1.5)
        drawn.append(picture)
    return drawn


def landmark_gallery(store: ImageStore, predictions: Predictions, landmark: int, count: int) -> str:
    """Show what a landmark was found on in test images, from the surest to the least sure."""
    indices, rows = rows_of_split(store, predictions, "test")
    centres, scores = predictions.landmarks[rows, landmark], predictions.score[rows, landmark]
    chosen = spread_over_scores(scores, np.isfinite(centres).all(axis=-1), count)
    color = rgb(landmark + 1)[landmark]
    items = []
    rectangles = patch_rectangles(store, indices[chosen], centres[chosen])
    for patch, row in zip(cut_from_store(store, indices[chosen], rectangles, _PATCH_PX), chosen, strict=True):
        picture = patch.copy()
        draw_ring(picture, [(_PATCH_PX - 1) / 2] * 2, color, 9, 3)
        items.append((picture, f"landmark {landmark} in {predictions.image[rows[row]]}", ""))
    return tiles(items, "patches") if items else html.paragraph("Found in none of the test images.", quiet=True)


def point_strip(
    store: ImageStore, names: NDArray[np.str_], true: FloatArray, predicted: FloatArray, errors: FloatArray
) -> Picture | None:
    """Show a true point in test images, from the most to the least accurate: a ring, and a line to its prediction.

    Args:
        store: the images.
        names: of M test images.
        true: the point in each, (M, 2) in original pixels.
        predicted: where it was predicted, (M, 2).
        errors: (M,); NaN: left out.

    Returns:
        Patches beside each other; None where no image has the point.
    """
    chosen = spread_over_scores(-errors, np.isfinite(errors), _STRIP_PATCHES)
    if not len(chosen):
        return None
    indices = places_in_store(store, names[chosen])
    rectangles = patch_rectangles(store, indices, true[chosen])
    strip = list(cut_from_store(store, indices, rectangles, _STRIP_PX))
    ends = [image_to_crop(points[chosen, None], rectangles, _STRIP_PX)[:, 0] for points in (true, predicted)]
    for picture, goal, guess in zip(strip, *ends, strict=True):
        draw_line(picture, goal, guess, _ERROR)
        draw_ring(picture, goal, PAPER, 4)
        draw_dot(picture, guess, _ERROR, 3)
    gap = np.full((_STRIP_PX, 4, 3), PAPER, dtype=np.uint8)
    parts = [part for picture in strip for part in (picture, gap)]
    return np.concatenate(parts[:-1], axis=1)


def landmark_keys(count: int) -> str:
    """List the marks of the landmarks with their numbers, each a link to its gallery."""
    keys = "".join(
        f'<li><a href="#landmark-{landmark}">{landmark_mark(landmark)}{landmark}</a></li>' for landmark in range(count)
    )
    return f'<ul class="keys" aria-label="Landmarks">{keys}</ul>'


def _crops(store: ImageStore, names: NDArray[np.str_], size_px: int) -> tuple[list[Picture], FloatArray]:
    indices = places_in_store(store, names)
    rectangles = square_rectangles(store.rectangle("crop")[indices])
    return [enlarged(crop, size_px) for crop in cut_from_store(store, indices, rectangles, size_px)], rectangles
