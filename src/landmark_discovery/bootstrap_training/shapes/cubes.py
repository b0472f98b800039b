"""Boxes turned in space, seen by a camera."""

from __future__ import annotations

import numpy as np

from landmark_discovery.bootstrap_training.shapes.geometry2d import corner_angles, cross, least_distance
from landmark_discovery.bootstrap_training.shapes.levels import contrasting_levels
from landmark_discovery.bootstrap_training.shapes.scene import LEAST_GAP_PX, Area, GreyMap, Scene, draw_until
from landmark_discovery.geometry import FloatArray

_VERTICES = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
# Vertices of each face, in the direction that is positive in image coordinates where the face looks at the camera.
_FACES = np.array([[2, 3, 1, 0], [5, 7, 6, 4], [1, 5, 4, 0], [6, 7, 3, 2], [4, 6, 2, 0], [3, 7, 5, 1]])
# Faces seen from their side are slivers: too small, or with corners that are needles.
_LEAST_FACE_SHARE = 0.01
_SHARPEST_DEGREES = 20.0


def draw_cube(generator: np.random.Generator, size_px: int, background: GreyMap) -> Scene:
    """Draw a box with sides of any lengths; the corners of the faces that can be seen are keypoints.

    Args:
        generator: draws it.
        size_px: width and height of the image.
        background: what it stands out from.
    """

    def accept(vertices: FloatArray) -> bool:
        faces = visible_faces(vertices)
        large = signed_areas(faces).min() >= _LEAST_FACE_SHARE * size_px**2
        blunt = min(corner_angles(face).min() for face in faces) >= _SHARPEST_DEGREES
        seen = np.unique(faces.reshape(-1, 2), axis=0)
        return bool(large and blunt) and least_distance(seen) >= LEAST_GAP_PX

    faces = visible_faces(draw_until(lambda: _draw_vertices(generator, size_px), accept))
    levels = contrasting_levels(generator, background, len(faces))
    areas = tuple(Area(outline, float(level)) for outline, level in zip(faces, levels, strict=True))
    return Scene(areas, np.unique(faces.reshape(-1, 2), axis=0))


def visible_faces(vertices: FloatArray) -> FloatArray:
    """Give the outlines (f, 4, 2) of the faces of a box that look at the camera, one to three.

    Args:
        vertices: (8, 2) in pixels, in the order of x, y, z from -1 to 1, the last one fastest.
    """
    outlines = vertices[_FACES]
    return np.asarray(outlines[signed_areas(outlines) > 0])


def signed_areas(outlines: FloatArray) -> FloatArray:
    """Give the areas (f,) of polygons (f, n, 2) in pixels, negative where their corners run the other way round."""
    return np.asarray(cross(outlines, np.roll(outlines, -1, axis=1)).sum(axis=1) / 2)


def _draw_vertices(generator: np.random.Generator, size_px: int) -> FloatArray:
    """Draw a box and its picture; vertices (8, 2) in pixels."""
    placed = _VERTICES * generator.uniform(0.5, 1, 3) @ _draw_rotation(generator).T
    distance = generator.uniform(4, 10)
    seen = placed[:, :2] * distance / (placed[:, 2:] + distance)
    radius_px = generator.uniform(0.15, 0.4) * size_px
    return np.asarray(generator.uniform(0.25, 0.75, 2) * size_px + seen * radius_px)


def _draw_rotation(generator: np.random.Generator) -> FloatArray:
    """Draw a rotation (3, 3), all of them equally likely: the directions of three random vectors, made square."""
    directions, lengths = np.linalg.qr(generator.standard_normal((3, 3)))
    rotation = directions * np.sign(np.diag(lengths))
    return np.asarray(rotation * [1, 1, np.linalg.det(rotation)])
