"""What is behind a person: gradients, textures, shapes, lines and blobs, mostly out of focus."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.appearance import Colour
from landmark_discovery.data.synthetic.noise import lookup_noise
from landmark_discovery.data.synthetic.rasteriser import FloatMap


def draw_background(generator: np.random.Generator, size_px: int) -> FloatMap:
    """Draw a background; (size, size, 3) linear RGB."""
    canvas = np.ascontiguousarray(np.rint(_gradient(generator, size_px) * 255).astype(np.uint8))
    for _ in range(int(generator.integers(0, 14))):
        _draw_shape(generator, canvas)
    canvas = _blurred(canvas, generator.uniform(0.0, 0.035) * size_px)
    if generator.random() < 0.5:
        for _ in range(int(generator.integers(1, 6))):
            _draw_shape(generator, canvas)
        canvas = _blurred(canvas, generator.uniform(0.0, 0.012) * size_px)
    grain = lookup_noise(int(generator.integers(2**31)), np.arange(size_px), np.arange(size_px), "soft")
    linear = ((np.arange(256) / 255) ** 2.2).astype(np.float32)
    texture = 1 + np.float32(generator.uniform(0, 0.1)) * grain.astype(np.float32)
    return np.asarray(linear[canvas] * texture[..., None])


def _colour(generator: np.random.Generator) -> Colour:
    grey = generator.uniform(0.08, 0.95)
    return np.clip(grey + generator.normal(0, generator.choice([0.03, 0.1]), 3), 0, 1)


def _gradient(generator: np.random.Generator, size_px: int) -> FloatMap:
    angle = generator.uniform(0, 2 * np.pi)
    line = np.linspace(-0.5, 0.5, size_px, dtype=np.float32)
    share = np.clip(line[None, :] * np.float32(np.cos(angle)) + line[:, None] * np.float32(np.sin(angle)) + 0.5, 0, 1)
    start, end = _colour(generator), _colour(generator)
    return np.stack([a + (b - a) * share for a, b in zip(start, end, strict=True)], axis=-1)


def _draw_shape(generator: np.random.Generator, canvas: NDArray[np.uint8]) -> None:
    """Add one shape to a canvas that the caller made for it."""
    size = canvas.shape[0]
    colour = tuple(int(value) for value in np.rint(_colour(generator) * 255))
    corner = generator.uniform(-0.1, 1.1, 2) * size
    extent = np.exp(generator.uniform(np.log(0.03), np.log(0.5), 2)) * size
    kind = generator.integers(5)
    if kind == 0:
        cv2.ellipse(
            canvas, _pixels(corner), _pixels(extent / 2), float(generator.uniform(0, 180)), 0, 360, colour, -1, 16
        )
    elif kind == 1:
        angles = np.sort(generator.uniform(0, 2 * np.pi, generator.integers(3, 7)))
        spikes = corner + np.stack([np.cos(angles), np.sin(angles)], axis=1) * extent * 0.8
        cv2.fillPoly(canvas, [np.rint(spikes).astype(np.int32)], colour, cv2.LINE_AA)
    elif kind == 2:
        cv2.rectangle(canvas, _pixels(corner - extent), _pixels(corner + extent), colour, -1)
    elif kind == 3:
        other, width = generator.uniform(-0.1, 1.1, 2) * size, int(generator.integers(1, max(2, size // 16)))
        cv2.line(canvas, _pixels(corner), _pixels(other), colour, width, cv2.LINE_AA)
    else:
        step = float(generator.uniform(0.03, 0.12) * size)
        for k in range(int(generator.integers(3, 12))):
            left = corner + np.array([k * step, 0.0])
            cv2.rectangle(canvas, _pixels(left), _pixels(left + np.array([step / 2, extent[1]])), colour, -1)


def _pixels(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _blurred(canvas: NDArray[np.uint8], deviation_px: float) -> NDArray[np.uint8]:
    return canvas if deviation_px < 0.3 else np.asarray(cv2.GaussianBlur(canvas, (0, 0), deviation_px), dtype=np.uint8)
