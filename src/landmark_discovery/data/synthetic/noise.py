"""Fixed fields of noise, looked up at a place of one's own."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

SIDE = 512
_SEED = 20_230_106


@cache
def noise_field(name: str) -> NDArray[np.float32]:
    """Make a field (SIDE, SIDE) of mean 0 and deviation 1 that repeats without a seam.

    Args:
        name: "fine" (pixel by pixel), "soft" (patches of some 6 pixels), "streaks" (long downwards) or "curls".
    """
    spread = {"fine": (0.6, 0.6), "soft": (3.0, 3.0), "streaks": (12.0, 0.7), "curls": (2.0, 1.6)}[name]
    raw = np.random.default_rng([_SEED, len(name), ord(name[0])]).standard_normal((SIDE, SIDE))
    padded = np.pad(raw, 64, mode="wrap")
    smooth = cv2.GaussianBlur(padded, (0, 0), sigmaX=spread[1], sigmaY=spread[0])[64:-64, 64:-64]
    field = ((smooth - smooth.mean()) / smooth.std()).astype(np.float32)
    field.setflags(write=False)
    return np.asarray(field)


def lookup_noise(seed: int, rows: ArrayLike, columns: ArrayLike, name: str = "soft") -> NDArray[np.float64]:
    """Look a field up on a lattice of rows (R,) and columns (C,), starting where the seed says; (R, C)."""
    row = (np.rint(np.asarray(rows)).astype(np.int64) + seed) % SIDE
    column = (np.rint(np.asarray(columns)).astype(np.int64) + seed // SIDE) % SIDE
    return np.asarray(noise_field(name)[row[:, None], column[None, :]].astype(np.float64))


def scattered_noise(
    seed: int, rows: NDArray[np.float32], columns: NDArray[np.float32], name: str
) -> NDArray[np.float32]:
    """Look a field up at places (P,), starting where the seed says."""
    row = (rows.astype(np.int32) + np.int32(seed % SIDE)) & (SIDE - 1)
    column = (columns.astype(np.int32) + np.int32(seed // SIDE % SIDE)) & (SIDE - 1)
    return noise_field(name).ravel()[row * SIDE + column]
