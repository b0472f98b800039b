"""The 3-D model of 68 points: a mean face, modes of identity and of expression, and the surface that follows them.

A mode moves control points: the 68 landmarks, and anchors on the skull that keep the rest of the head in place. The
whole surface follows the controls by multiquadric interpolation, so that a mode needs to say nothing about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.template import FloatArray, Template, at_places, head_template

LANDMARKS = 68
# Height and azimuth (degrees) of the anchors: crown, forehead, temples, ears, back.
_ANCHORS = [(-10.8, 0), (-8, 0), (-8, 70), (-5.5, 0), (-5.5, 35), (-5.0, 80), (-1.5, 95), (2.0, 95), (4.5, 100)]
_ANCHORS += [(-8, 140), (-3, 145), (2.5, 140), (6.5, 130)]
# Distance in centimetres within which the interpolation is rounded off.
_ROUNDING_CM = 0.8
_CONTOUR_TO_NOSE = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31]
_EYES = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
_MOUTH = [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]

RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)


@dataclass(frozen=True)
class FaceModel:
    """Hold the mean, the modes and the map from controls to surface.

    Attributes:
        template: the mean head.
        controls: (C, 3) mean control points, the first 68 of them the landmarks.
        identity_modes: name -> (C, 3) centimetres a unit; units are standard deviations.
        expression_modes: name -> (C, 3) centimetres a unit; 1 is strong.
        follow: (V, C) displacement of every second vertex a unit displacement of each control; the field is smooth, so
            that those between are halfway.
    """

    template: Template
    controls: FloatArray
    identity_modes: Mapping[str, FloatArray]
    expression_modes: Mapping[str, FloatArray]
    follow: FloatArray

    def surface(self, identity: Mapping[str, float], expression: Mapping[str, float]) -> FloatArray:
        """Bend the mean head by weighted modes; (R, C, 3) head coordinates."""
        moved = np.zeros_like(self.controls)
        for modes, weights in ((self.identity_modes, identity), (self.expression_modes, expression)):
            for name, weight in weights.items():
                moved = moved + weight * modes[name]
        rows, columns = (-(-count // 2) for count in self.template.vertices.shape[:2])
        coarse = (self.follow @ moved).reshape(rows, columns, 3)
        return self.template.vertices + _doubled(_doubled(coarse).swapaxes(0, 1)).swapaxes(0, 1)

    def landmarks(self, surface: FloatArray) -> FloatArray:
        """Read the 68 points off a bent head; (68, 3) head coordinates."""
        return at_places(surface, self.template.places)


def mirror_order() -> NDArray[np.int64]:
    """Give for each of the 68 points the index of its mirror image."""
    return np.array([*_CONTOUR_TO_NOSE, *_EYES, *_MOUTH])


@cache
def face_model() -> FaceModel:
    """Build the model once."""
    template = head_template()
    points = at_places(template.vertices, template.places)
    controls = np.concatenate([points, _anchors(template)])
    follow = _following(template.vertices[::2, ::2].reshape(-1, 3), controls)
    return FaceModel(template, controls, _identity_modes(controls), _expression_modes(controls), follow)


def _anchors(template: Template) -> FloatArray:
    signed = sorted({(y, side * angle) for y, angle in _ANCHORS for side in (-1, 1)})
    rows = np.interp([y for y, _ in signed], template.height, np.arange(len(template.height)))
    columns = np.interp(np.radians([a for _, a in signed]), template.azimuth, np.arange(len(template.azimuth)))
    return at_places(template.vertices, np.stack([rows, columns], axis=1))


def _following(vertices: FloatArray, controls: FloatArray) -> FloatArray:
    def kernel(a: FloatArray) -> FloatArray:
        distance = np.linalg.norm(a[:, None] - controls[None], axis=-1)
        return np.asarray(np.sqrt(distance**2 + _ROUNDING_CM**2))

    def affine(a: FloatArray) -> FloatArray:
        return np.concatenate([np.ones((len(a), 1)), a], axis=1)

    count = len(controls)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = -kernel(controls)
    system[:count, count:], system[count:, :count] = affine(controls), affine(controls).T
    solved = np.linalg.solve(system, np.eye(count + 4)[:, :count])
    return np.asarray(np.concatenate([-kernel(vertices), affine(vertices)], axis=1) @ solved)


def _doubled(values: FloatArray) -> FloatArray:
    """Put the mean of each two neighbours between them, along the first axis; (2 R - 1, ...)."""
    result = np.empty((2 * len(values) - 1, *values.shape[1:]))
    result[::2] = values
    result[1::2] = (values[1:] + values[:-1]) / 2
    return result


def _bell(values: FloatArray, centre: float, width: float) -> FloatArray:
    return np.exp(-(((values - centre) / width) ** 2))


def _rise(values: FloatArray, start: float, width: float) -> FloatArray:
    return 1 / (1 + np.exp(-(values - start) / width))


def _identity_modes(controls: FloatArray) -> dict[str, FloatArray]:
    x, y = controls.T[:2]
    side, none = np.sign(np.where(np.abs(x) < 1e-6, 0, x)), np.zeros_like(x)

    def only(indices: list[int]) -> FloatArray:
        chosen = np.zeros_like(x)
        chosen[indices] = 1
        return np.asarray(chosen)

    brows, eyes, nose, mouth = (only(list(range(*span))) for span in ((17, 27), (36, 48), (27, 36), (48, 68)))
    contour = only(list(range(17)))
    eye_centre = np.where(x < 0, -3.2, 3.2)
    lips_out = only([49, 50, 51, 52, 53]) * -1 + only([55, 56, 57, 58, 59])
    tip = only([29]) * 0.6 + only([30]) + only([32, 33, 34]) * 0.5 + only([31, 35]) * 0.3
    modes = {
        "head_width": (0.045 * x, none, none),
        "face_length": (none, 0.05 * np.maximum(y, 0) + 0.02 * np.minimum(y, 0), none),
        "jaw_width": (0.09 * x * _rise(y, 5, 1.2) * (contour + 0.3 * mouth), none, none),
        "chin_length": (none, 0.45 * _rise(y, 9.5, 0.6) * contour, none),
        "chin_width": (0.14 * x * _rise(y, 9, 0.5) * contour, none, none),
        "chin_forward": (none, none, 0.5 * _rise(y, 8.5, 0.8)),
        "cheek_fat": (0.055 * x * _bell(y, 6, 3) * contour, 0.15 * _rise(y, 9.5, 0.6) * contour, none),
        "forehead": (none, 0.35 * np.minimum(y + 4, 0) / 4, none),
        "eye_distance": (0.2 * side * (eyes + 0.7 * brows), none, none),
        "eye_width": (0.1 * (x - eye_centre) * eyes, none, none),
        "eye_height": (none, 0.16 * (y - 0.1) * eyes, none),
        "eye_tilt": (none, -0.11 * (np.abs(x) - 3.2) * eyes, none),
        "eye_level": (none, 0.2 * (eyes + brows), none),
        "eye_depth": (none, none, 0.12 * eyes - 0.1 * brows),
        "brow_level": (none, -0.22 * brows, none),
        "brow_arch": (none, -0.16 * only([18, 19, 24, 25]) + 0.1 * only([17, 21, 22, 26]), none),
        "brow_tilt": (none, -0.09 * (np.abs(x) - 3.4) * brows, none),
        "nose_length": (none, 0.3 * nose * _rise(y, 2.5, 0.8), none),
        "nose_width": (0.14 * x * nose, none, none),
        "nose_forward": (none, none, 0.3 * tip),
        "nose_tip": (none, 0.2 * only([30]), none),
        "nose_bridge": (none, none, 0.2 * only([27, 28, 29])),
        "mouth_width": (0.09 * x * mouth, none, none),
        "mouth_level": (none, 0.22 * mouth, none),
        "mouth_forward": (none, none, 0.18 * mouth),
        "upper_lip": (none, 0.12 * np.minimum(lips_out, 0), none),
        "lower_lip": (none, 0.15 * np.maximum(lips_out, 0), none),
        "skewed_nose": (0.08 * tip, none, none),
        "skewed_mouth": (0.08 * mouth, 0.04 * x * mouth, none),
        "skewed_brows": (none, 0.1 * side * brows, none),
    }
    return {name: np.stack(mode, axis=1) for name, mode in modes.items()}


def _expression_modes(controls: FloatArray) -> dict[str, FloatArray]:
    def mode(*moves: tuple[list[int], float, float, float]) -> FloatArray:
        """Move landmarks by (outward, down, forward) centimetres."""
        moved = np.zeros_like(controls)
        for indices, outward, down, forward in moves:
            side = np.sign(np.where(np.abs(controls[indices, 0]) < 1e-6, 0, controls[indices, 0]))
            moved[indices] += np.stack([outward * side, down + 0 * side, forward + 0 * side], axis=1)
        return moved

    lower_lip, upper_inner, lower_inner = [55, 56, 57, 58, 59], [61, 62, 63], [65, 66, 67]
    return {
        # The mean's mouth stands open, so that this one belongs to every face with closed lips.
        "close_mouth": mode((upper_inner, 0, 0.29, 0), (lower_inner, 0, -0.36, 0), (lower_lip, 0, -0.3, 0)),
        "open_mouth": mode(
            (lower_lip, 0, 2.0, -0.4),
            (lower_inner, 0, 2.1, -0.4),
            ([50, 51, 52, 61, 62, 63], 0, -0.12, 0),
            ([48, 54, 60, 64], -0.18, 0.75, -0.1),
            ([7, 8, 9], 0, 1.9, -0.6),
            ([5, 6, 10, 11], 0, 1.3, -0.4),
            ([4, 12], 0, 0.6, -0.1),
        ),
        "smile": mode(
            ([48, 54, 60, 64], 0.6, -0.5, -0.5),
            ([49, 53, 59, 55], 0.3, -0.25, -0.2),
            ([50, 52, 51], 0.0, 0.05, -0.1),
            ([61, 63, 65, 67], 0.15, 0.0, -0.1),
            ([31, 35], 0.18, -0.05, 0),
            ([40, 41, 46, 47], 0, -0.14, 0.05),
            ([3, 4, 12, 13], 0.18, 0, 0),
        ),
        "show_teeth": mode(([50, 51, 52], 0, -0.2, 0), (upper_inner, 0, -0.35, 0), (lower_inner, 0, 0.2, 0)),
        "pout": mode(
            ([48, 54, 60, 64], -0.6, 0.05, 0.3),
            ([49, 53, 55, 59], -0.25, 0, 0.3),
            ([50, 51, 52, 56, 57, 58], 0, 0, 0.35),
        ),
        "mouth_down": mode(([48, 54, 60, 64], 0.05, 0.4, -0.1), ([56, 57, 58], 0, -0.1, 0.1)),
        "raise_brows": mode(([*range(17, 27)], 0, -0.55, 0), ([37, 38, 43, 44], 0, -0.1, 0)),
        "frown": mode(([20, 21, 22, 23], -0.2, 0.4, 0.05), ([19, 24], -0.1, 0.2, 0)),
        "worry": mode(([20, 21, 22, 23], -0.1, -0.35, 0.05), ([17, 18, 25, 26], 0, 0.15, 0)),
        "close_eyes": mode(([37, 38, 43, 44], 0, 0.78, 0.1), ([40, 41, 46, 47], 0, -0.16, 0)),
        "squint": mode(([37, 38, 43, 44], 0, 0.2, 0), ([40, 41, 46, 47], 0, -0.16, 0), ([*range(17, 27)], 0, 0.15, 0)),
        "widen_eyes": mode(([37, 38, 43, 44], 0, -0.2, 0), ([40, 41, 46, 47], 0, 0.06, 0)),
    }
