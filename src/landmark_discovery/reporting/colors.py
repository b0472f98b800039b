"""One colour and one marker a landmark, the same in every picture, told apart by colour-blind people too."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

# Okabe and Ito's colours without black, then two dark ones of Krzywinski's 15 and white, which stay apart from them.
_FIRST = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (73, 0, 146),
    (255, 255, 255),
    (146, 0, 0),
)
MARKERS = ("disc", "square", "diamond", "triangle")
# How people without red cones, and people without green ones, see linear RGB (Machado, Oliveira, Fernandes 2009).
_VISIONS = (
    ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
)


def landmark_colors(count: int) -> NDArray[np.uint8]:
    """Give each of `count` landmarks its colour, RGB, (count, 3).

    The first ten are fixed. Each further one is the colour farthest from all before it, for the eyes that tell them
    apart worst, so that the colour of a landmark doesn't depend on how many there are.
    """
    chosen = list(_FIRST[:count])
    if count > len(_FIRST):
        chosen += _farthest_colors()[: count - len(_FIRST)]
    while len(chosen) < count:
        chosen.append(chosen[len(chosen) - len(_FIRST) - len(_farthest_colors())])
    return np.array(chosen, dtype=np.uint8).reshape(count, 3)


def landmark_marker(landmark: int) -> str:
    """Name the shape of a landmark's marker: one of `MARKERS`, another after every ten landmarks."""
    return MARKERS[landmark // len(_FIRST) % len(MARKERS)]


def perceived(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Place RGB colours (K, 3) in CIELAB as seen by normal, red-blind and green-blind eyes, (3, K, 3)."""
    linear = _to_linear(np.asarray(colors, dtype=np.float64) / 255)
    seen = np.clip(np.einsum("kc,vdc->vkd", linear, np.array(_VISIONS)), 0, 1)
    return cv2.cvtColor(_from_linear(seen).astype(np.float32), cv2.COLOR_RGB2LAB).astype(np.float64)


@lru_cache(maxsize=1)
def _farthest_colors() -> list[tuple[int, int, int]]:
    candidates = np.array(list(product((0, 51, 102, 153, 204, 255), repeat=3)), dtype=np.uint8)
    places = perceived(candidates)
    nearest = _least_distance(places, perceived(np.array(_FIRST, dtype=np.uint8)))
    chosen: list[tuple[int, int, int]] = []
    for _ in range(90):
        best = int(np.argmax(nearest))
        red, green, blue = (int(channel) for channel in candidates[best])
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, _least_distance(places, places[:, best : best + 1]))
    return chosen


def _least_distance(places: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm(places[:, :, None] - others[:, None], axis=-1).min(axis=(0, 2))
    return distances


def _to_linear(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _from_linear(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)
