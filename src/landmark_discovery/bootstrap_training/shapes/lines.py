"""Lines: single ones that cross and join, and stars of rays from one point."""

from __future__ import annotations

import numpy as np

from landmark_discovery.bootstrap_training.shapes.geometry2d import (
    TOUCH_PX,
    crossings,
    distances_to_segment,
    least_distance,
    thinned,
)
from landmark_discovery.bootstrap_training.shapes.levels import contrasting_levels
from landmark_discovery.bootstrap_training.shapes.scene import LEAST_GAP_PX, Area, GreyMap, Scene, stroke
from landmark_discovery.geometry import FloatArray

# Lines that meet at a smaller angle run into each other.
LEAST_ANGLE_DEGREES = 30.0
_MOST_LINES = 12
_LEAST_RAYS, _MOST_RAYS = 3, 7
_TRIES = 10


def draw_lines(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw lines; their ends, and where they cross or join, are keypoints.

    Args:
        generator: draws them.
        size_px: width and height of the image.
        background: what they stand out from.
    """
    segments = np.zeros((0, 2, 2))
    for _ in range(int(generator.integers(2, _MOST_LINES + 1))):
        for _ in range(_TRIES):
            segment = _draw_segment(generator, size_px, segments)
            if fits(segment, segments):
                segments = np.concatenate([segments, segment[None]])
                break
    return _scene(generator, size_px, background, segments)


def draw_star(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw rays from one point; it and the ends of the rays are keypoints.

    Args:
        generator: draws them.
        size_px: width and height of the image.
        background: what they stand out from.
    """
    count = int(generator.integers(_LEAST_RAYS, _MOST_RAYS + 1))
    # All large enough angles that make a full turn, equally likely.
    gaps = LEAST_ANGLE_DEGREES + (360 - count * LEAST_ANGLE_DEGREES) * generator.dirichlet(np.ones(count))
    angles = np.radians(generator.uniform(0, 360) + np.cumsum(gaps))
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    center = generator.uniform(0.25, 0.75, 2) * size_px
    ends = center + directions * generator.uniform(0.15, 0.5, (count, 1)) * size_px
    segments = np.stack([np.broadcast_to(center, ends.shape), ends], axis=1)
    return _scene(generator, size_px, background, segments)


def keypoints_of_lines(segments: FloatArray) -> FloatArray:
    """Give the ends and the crossings (k, 2) of segments (n, 2, 2), each place once."""
    pairs = [crossings(segments[n : n + 1], segments[:n]) for n in range(1, len(segments))]
    return thinned(np.concatenate([segments.reshape(-1, 2), *pairs]), 1e3 * TOUCH_PX)


def fits(segment: FloatArray, segments: FloatArray) -> bool:
    """Tell whether a line (2, 2) meets others (n, 2, 2) clearly or stays away from them.

    Its ends keep `LEAST_GAP_PX` from the others or lie on them, and so do the others' ends; where lines meet, the angle
    is large enough; keypoints keep their distance.
    """
    for other in segments:
        near = np.concatenate([distances_to_segment(segment, other), distances_to_segment(other, segment)])
        if np.any((near > TOUCH_PX) & (near < LEAST_GAP_PX)):
            return False
        if len(crossings(segment[None], other[None])) and _angle_degrees(segment, other) < LEAST_ANGLE_DEGREES:
            return False
    return least_distance(keypoints_of_lines(np.concatenate([segments, segment[None]]))) >= LEAST_GAP_PX


def _draw_segment(generator: np.random.Generator, size_px: int, segments: FloatArray) -> FloatArray:
    """Draw a line that starts anywhere, on another one or at its end."""
    start = generator.uniform(-0.05, 1.05, 2) * size_px
    if len(segments) and generator.random() < 0.4:
        first, last = segments[generator.integers(len(segments))]
        start = first + generator.choice([0.0, 1.0, generator.uniform(0.1, 0.9)]) * (last - first)
    angle, length = generator.uniform(0, 2 * np.pi), generator.uniform(0.1, 0.7) * size_px
    return np.stack([start, start + length * np.array([np.cos(angle), np.sin(angle)])])


def _angle_degrees(segment: FloatArray, other: FloatArray) -> float:
    """Give the angle between two lines, 0 to 90 degrees."""
    first, second = segment[1] - segment[0], other[1] - other[0]
    cosine = abs(first @ second) / (np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def _scene(generator: np.random.Generator, size_px: int, background: GreyMap, segments: FloatArray) -> Scene:
    levels = generator.choice(contrasting_levels(generator, background, 3), len(segments))
    widths_px = generator.uniform(1.0, max(2.0, size_px / 36), len(segments))
    areas = tuple(
        Area(stroke(start, end, width), float(level))
        for (start, end), width, level in zip(segments, widths_px, levels, strict=True)
    )
    return Scene(areas, keypoints_of_lines(segments))
