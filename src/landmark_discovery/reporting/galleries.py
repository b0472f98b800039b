"""One gallery a landmark: what it sits on in many images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.reporting.colors import landmark_marker
from landmark_discovery.reporting.drawing import (
    GREY,
    Color,
    Picture,
    blank,
    draw_marker,
    draw_ring,
    draw_text,
    stack,
    tile,
)
from landmark_discovery.reporting.grids import enlarged, rgb, title_line

PATCH_PX = 132
_OVERVIEW_PATCHES = 8
_OVERVIEW_PATCH_PX = 88


def spread_over_scores(scores: NDArray[np.float64], found: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Choose `count` of the images that have a landmark, evenly spread from the best score to the worst.

    Args:
        scores: (N,), higher is surer; NaN counts as the worst.
        found: images that have the landmark, (N,).
        count: how many; all where there are fewer.

    Returns:
        Positions of the images, best score first; of equal scores the first image first.
    """
    candidates = np.flatnonzero(found)
    order = candidates[np.argsort(-np.nan_to_num(scores[candidates], nan=-np.inf), kind="stable")]
    if len(order) <= count:
        return order
    return order[np.rint(np.linspace(0, len(order) - 1, count)).astype(np.int64)]


def cluster_galleries(
    patches: Sequence[NDArray[np.uint8]], found: NDArray[np.float64], columns: int = 6
) -> list[Picture]:
    """Draw one gallery a landmark.

    Args:
        patches: for each of K landmarks the patches centred on it, (P, S, S, 3), best score first; P may be 0.
        found: share of images with each landmark, (K,), 0 to 1.
        columns: patches in a row.
    """
    return [
        _gallery(landmark, some, float(share), color, columns)
        for landmark, (some, share, color) in enumerate(zip(patches, found, rgb(len(patches)), strict=True))
    ]


def gallery_overview(patches: Sequence[NDArray[np.uint8]], found: NDArray[np.float64]) -> Picture:
    """Draw all landmarks as one picture of K rows; arguments as for `cluster_galleries`."""
    rows = [
        _overview_row(landmark, some, float(share), color)
        for landmark, (some, share, color) in enumerate(zip(patches, found, rgb(len(patches)), strict=True))
    ]
    header = title_line("Landmark, share of images that have it, and what it sits on: surest left", rows[0].shape[1])
    return stack([header, *rows])


def _gallery(landmark: int, patches: NDArray[np.uint8], share: float, color: Color, columns: int) -> Picture:
    width = columns * (PATCH_PX + 6) + 6
    header = blank(40, width)
    draw_marker(header, (20, 21), color, 8, landmark_marker(landmark))
    draw_text(header, (40, 11), f"Landmark {landmark}", 16)
    draw_text(header, (166, 13), _found_in(share), 13, GREY)
    if not len(patches):
        return header
    return stack([header, tile(_marked(patches, PATCH_PX, color), columns)])


def _overview_row(landmark: int, patches: NDArray[np.uint8], share: float, color: Color) -> Picture:
    size, gap, margin = _OVERVIEW_PATCH_PX, 4, 76
    row = blank(size + gap, margin + _OVERVIEW_PATCHES * (size + gap))
    draw_marker(row, (20, size / 2 - 10), color, 8, landmark_marker(landmark))
    draw_text(row, (38, size // 2 - 20), str(landmark), 15)
    draw_text(row, (12, size // 2 + 8), f"{100 * share:.0f} %", 13, GREY)
    chosen = patches[np.rint(np.linspace(0, len(patches) - 1, min(len(patches), _OVERVIEW_PATCHES))).astype(np.int64)]
    for column, patch in enumerate(_marked(chosen, size, color)):
        left = margin + column * (size + gap)
        row[:size, left : left + size] = patch
    return row


def _marked(patches: NDArray[np.uint8], size_px: int, color: Color) -> list[Picture]:
    marked = [enlarged(patch, size_px).copy() for patch in patches]
    for picture in marked:
        draw_ring(picture, ((size_px - 1) / 2, (size_px - 1) / 2), color, 0.08 * size_px + 2)
    return marked


def _found_in(share: float) -> str:
    if share == 0:
        return "found in none of the images"
    return f"found in {100 * share:.0f} % of the images; from the surest to the least sure"
