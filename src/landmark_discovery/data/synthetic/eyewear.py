"""Glasses on a drawn face."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.appearance import Glasses, Scene
from landmark_discovery.data.synthetic.pose import Camera
from landmark_discovery.data.synthetic.rasteriser import FloatMap
from landmark_discovery.data.synthetic.template import FloatArray


def draw_glasses(
    picture: FloatMap, depth: FloatMap, glasses: Glasses, scene: Scene, landmarks: FloatArray, camera: Camera
) -> FloatMap:
    """Put glasses on a face.

    Args:
        picture: (H, W, 3) linear RGB; not changed.
        depth: (H, W) of the picture, pixels towards the viewer.
        glasses: their form.
        scene: the light.
        landmarks: (68, 3) head coordinates.
        camera: the view of the picture.

    Returns:
        The picture with glasses, (H, W, 3).
    """
    rims = [_rim(glasses, landmarks, side) for side in (-1, 1)]
    lenses, frame = np.zeros(picture.shape[:2], np.uint8), np.zeros(picture.shape[:2], np.uint8)
    width = max(1, round(glasses.thickness * camera.scale))
    for rim in rims:
        outline = _shifted(camera.project(rim)[:, :2])
        cv2.fillPoly(lenses, [outline], (255,), cv2.LINE_AA, shift=4)
        cv2.polylines(frame, [outline], True, (255,), width, cv2.LINE_AA, shift=4)
    bridge = _bridge(rims)
    cv2.polylines(frame, [_shifted(camera.project(bridge)[:, :2])], False, (255,), width, cv2.LINE_AA, shift=4)
    for side, rim in zip((-1, 1), rims, strict=True):
        _draw_temple(frame, depth, _temple(rim, side), camera, width)
    lens = (lenses / np.float32(255))[..., None]
    bar = (frame / np.float32(255))[..., None]
    tinted = picture * (1 - lens * np.float32(glasses.tint))
    gleam = np.float32(0.015 * (1 - glasses.tint)) * lens * scene.key.astype(np.float32)
    shown = glasses.colour.astype(np.float32) * (scene.ambient + 0.6 * scene.key).astype(np.float32)
    return np.asarray((tinted + gleam) * (1 - bar) + shown * bar, dtype=np.float32)


def _rim(glasses: Glasses, landmarks: FloatArray, side: int) -> FloatArray:
    """Trace the rim before one eye; (48, 3) head coordinates."""
    eye = landmarks[36:42] if side < 0 else landmarks[42:48]
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    cosine, sine = np.cos(turn), np.sin(turn)
    power = 2 / glasses.squareness
    middle = eye[:, :2].mean(axis=0) + np.array([0.1 * side, 0.35])
    x = middle[0] + glasses.half_width * np.sign(cosine) * np.abs(cosine) ** power
    y = middle[1] + glasses.half_height * np.sign(sine) * np.abs(sine) ** power
    # The front bends back towards the temples.
    z = landmarks[27, 2] + 0.45 - 0.045 * x**2
    return np.stack([x, y, z], axis=1)


def _bridge(rims: list[FloatArray]) -> FloatArray:
    inner = [rims[0][np.argmax(rims[0][:, 0])], rims[1][np.argmin(rims[1][:, 0])]]
    middle = np.mean(inner, axis=0) + np.array([0.0, -0.45, 0.25])
    return np.stack([inner[0], middle, inner[1]])


def _temple(rim: FloatArray, side: int) -> FloatArray:
    hinge = rim[np.argmax(rim[:, 0] * side)] + np.array([0.0, -0.5, 0.0])
    ear = np.array([7.9 * side, -1.2, -2.0])
    return np.asarray(hinge + np.linspace(0, 1, 24)[:, None] * (ear - hinge))


def _draw_temple(frame: NDArray[np.uint8], depth: FloatMap, line: FloatArray, camera: Camera, width: int) -> None:
    """Add a temple to the frame as far as nothing is in front of it."""
    points = camera.project(line)
    for start, end in itertools.pairwise(points):
        column, row = np.rint((start + end)[:2] / 2).astype(int)
        if not (0 <= row < depth.shape[0] and 0 <= column < depth.shape[1]):
            continue
        if depth[row, column] > (start + end)[2] / 2 + 0.9 * camera.scale:
            continue
        ends = _shifted(np.stack([start[:2], end[:2]]))
        cv2.polylines(frame, [ends], False, (255,), width, cv2.LINE_AA, shift=4)


def _shifted(points: FloatArray) -> NDArray[np.int32]:
    return np.rint(points * 16).astype(np.int32)
