"""Light on surfaces: colours are linear RGB, and lists of P fragments are stored by component, (3, P)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.appearance import Scene
from landmark_discovery.data.synthetic.rasteriser import FloatMap, Fragments

_CAST_STEPS_CM = (0.25, 0.5, 0.85, 1.3, 2.0, 3.0, 4.5)


@dataclass(frozen=True)
class Lit:
    """Hold what light does to fragments.

    Attributes:
        normals: (3, P) unit normals in view directions.
        arrives: (P,) share of the main light that arrives, 0 to 1.
    """

    normals: FloatMap
    arrives: FloatMap


def lookup(grid: NDArray[np.floating], fragments: Fragments) -> FloatMap:
    """Interpolate a grid (R, C, 3) at fragments; (3, P)."""
    count = len(fragments.pixels)
    # OpenCV's pictures are less than 32,768 pixels long, so that the list is folded.
    folded = [np.zeros((-(-max(count, 1) // 256), 256), dtype=np.float32) for _ in range(2)]
    for target, values in zip(folded, (fragments.columns, fragments.rows), strict=True):
        target.ravel()[:count] = values
    read = cv2.remap(grid.astype(np.float32), folded[0], folded[1], cv2.INTER_LINEAR)
    return np.ascontiguousarray(read.reshape(-1, 3)[:count].T)


def view_normals(normals: NDArray[np.floating], fragments: Fragments, rotation: NDArray[np.float64]) -> FloatMap:
    """Turn the normals (R, C, 3) of a grid to the viewer; the back of a sheet is lit like its face. (3, P)."""
    x, y, z = lookup(normals, fragments)
    turned = np.stack([a * x + b * y + c * z for a, b, c in rotation.astype(np.float32)])
    length = np.sqrt(turned[0] ** 2 + turned[1] ** 2 + turned[2] ** 2)
    return np.asarray(turned * (np.where(turned[2] < 0, np.float32(-1), np.float32(1)) / np.maximum(length, 1e-6)))


def cast_shadow(depth: FloatMap, scale: float, light: FloatMap) -> FloatMap:
    """Follow the depth picture towards the light; (H, W) share of light that arrives, 0.25 to 1.

    Args:
        depth: (H, W) pixels towards the viewer, -inf where there is nothing.
        scale: pixels a centimetre.
        light: (3,) direction towards the light.
    """
    small = np.maximum(depth[::2, ::2], np.float32(-1e4))
    blocked = np.zeros_like(small)
    height, width = small.shape
    for step in _CAST_STEPS_CM:
        across, down = np.rint(step * scale / 2 * light[:2]).astype(int)
        if not (across or down) or abs(across) >= width or abs(down) >= height:
            continue
        there = np.full_like(small, -1e4)
        here_y, from_y = _overlap(down, height)
        here_x, from_x = _overlap(across, width)
        there[here_y, here_x] = small[from_y, from_x]
        rise = there - small - np.float32(step * scale * light[2])
        softness = np.float32(0.3 * scale + 0.12 * step * scale)
        np.maximum(blocked, np.clip(rise / softness - np.float32(0.15), 0, 1), out=blocked)
    soft = cv2.GaussianBlur(blocked, (0, 0), max(0.1 * scale, 0.5))
    return np.asarray(1 - np.float32(0.75) * cv2.resize(soft, depth.shape[::-1], interpolation=cv2.INTER_LINEAR))


def matt_light(scene: Scene, lit: Lit, occlusion: FloatMap | float, wrap: FloatMap) -> FloatMap:
    """Light a matt surface: one main light, and more of the rest from above than from below; (3, P).

    Args:
        scene: the light.
        lit: fragments.
        occlusion: (P,) or one share of the surroundings that is seen from there, 0 to 1.
        wrap: (3,) how far light creeps round a bend, for each colour.
    """
    facing = np.clip((_dot(lit.normals, scene.light) + wrap[:, None]) / (1 + wrap[:, None]), 0, None)
    open_share = np.float32(0.4) + np.float32(0.6) * np.asarray(occlusion, dtype=np.float32)
    sky = (np.float32(0.72) - np.float32(0.28) * lit.normals[1]) * np.asarray(occlusion, dtype=np.float32)
    return np.asarray(facing * (lit.arrives * open_share) * scene.key[:, None] + sky * scene.ambient[:, None])


def shine(scene: Scene, lit: Lit, sharpness: float) -> FloatMap:
    """Mirror the main light; (P,) from 0 to 1."""
    halfway = scene.light + np.array([0, 0, 1], dtype=np.float32)
    halfway = halfway / np.sqrt(np.sum(halfway**2))
    facing = np.clip(_dot(lit.normals, halfway), 1e-6, 1)
    return np.asarray(np.exp(np.float32(sharpness) * np.log(facing)) * lit.arrives)


def blend(below: FloatMap, above: FloatMap, share: FloatMap) -> FloatMap:
    """Lay a colour (3, P) or (3, 1) over another, with a share (P,) of 0 to 1."""
    return np.asarray(below + (above - below) * share)


def ramp(values: FloatMap, start: float, end: float) -> FloatMap:
    """Rise from 0 at `start` to 1 at `end`."""
    return np.asarray(np.clip((values - np.float32(start)) * np.float32(1 / (end - start)), 0, 1))


def _dot(normals: FloatMap, direction: FloatMap) -> FloatMap:
    return np.asarray(normals[0] * direction[0] + normals[1] * direction[1] + normals[2] * direction[2])


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Pair the places that stay in the picture with those `shift` farther on."""
    return slice(max(0, -shift), length - max(0, shift)), slice(max(0, shift), length + min(0, shift))
