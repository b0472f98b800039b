"""Landmarks drawn onto whole images, one colour a landmark as in the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.inference.detector import DetectedShot, FoundObject
from landmark_discovery.inference.inputs import overlay_name
from landmark_discovery.reporting.drawing import INK, PAPER
from landmark_discovery.reporting.grids import PLAIN_LANDMARKS, mark_landmarks

_ENCODING = {".png": [cv2.IMWRITE_PNG_COMPRESSION, 3]}
# Colour at each pixel: small marks would lose theirs to their surroundings.
_JPEG_ENCODING = [
    *(cv2.IMWRITE_JPEG_QUALITY, 92),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
]


def draw_objects(image: NDArray[np.uint8], objects: Sequence[FoundObject]) -> NDArray[np.uint8]:
    """Draw the landmarks of all objects onto a copy of their image (H, W, 3), and boxes that are smaller than it."""
    picture = image.copy()
    for found in objects:
        _draw_box(picture, found)
    for found in objects:
        radius_px = _radius_px(picture, found)
        numbered = len(found.landmarks) > PLAIN_LANDMARKS
        mark_landmarks(picture, found.landmarks, radius_px, numbered, max(10, round(3 * radius_px)))
    return picture


def write_overlay(detected: DetectedShot, folder: Path) -> DetectedShot:
    """Draw onto an image what was found in it, and write it below a folder by the image's own name and kind."""
    path = folder / detected.shot.name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = draw_objects(detected.shot.read(), detected.objects)
    suffix = path.suffix.lower()
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(suffix, bgr, _ENCODING.get(suffix, _JPEG_ENCODING))[1].tobytes())
    return detected


def overlay_of_video(folder: Path, name: str) -> Path:
    """Name the labelled video below a folder."""
    return folder / overlay_name(name)


def _draw_box(picture: NDArray[np.uint8], found: FoundObject) -> None:
    height, width = picture.shape[:2]
    x_min, y_min, x_max, y_max = found.box.round().astype(int).tolist()
    if x_min <= 0 and y_min <= 0 and x_max >= width and y_max >= height:
        return
    thin = max(1, round(_radius_px(picture, found) / 3))
    for color, thickness in ((INK, 3 * thin), (PAPER, thin)):
        cv2.rectangle(picture, (x_min, y_min), (x_max - 1, y_max - 1), color, thickness)


def _radius_px(picture: NDArray[np.uint8], found: FoundObject) -> float:
    longer_side = float((found.box[2:] - found.box[:2]).max())
    shorter_side_of_image = float(min(picture.shape[:2]))
    return max(2.5, min(longer_side, shorter_side_of_image) / 56)
