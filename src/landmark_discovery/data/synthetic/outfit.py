"""The grids around the face: hair on the skull, hair that hangs, neck and shoulders."""

from __future__ import annotations

from functools import cache

import numpy as np

from landmark_discovery.data.synthetic.appearance import Person
from landmark_discovery.data.synthetic.chart import skin_chart
from landmark_discovery.data.synthetic.noise import lookup_noise
from landmark_discovery.data.synthetic.pose import rotation_matrix
from landmark_discovery.data.synthetic.template import FloatArray, head_template

# Where the hair ends, by azimuth from the front: forehead, temple, sideburn, round the ear, nape.
_HAIRLINE = np.array(
    [
        [0, -6.3],
        [25, -6.2],
        [42, -5.8],
        [55, -4.9],
        [66, -3.0],
        [76, 0.6],
        [84, 1.4],
        [90, -1.3],
        [100, -2.2],
        [112, -0.5],
        [120, 5.5],
        [150, 7.0],
    ]
)
_NECK_TOP = np.array([0.0, 6.0, -2.0])


def hair_thickness(person: Person) -> FloatArray:
    """Give the thickness of hair and beard in centimetres over the head, 0 where skin shows; (ROWS, COLUMNS)."""
    template, style = head_template(), person.style
    azimuth, height = np.degrees(template.azimuth)[None, :], template.height[:, None]
    angle = np.abs(azimuth)
    line = np.interp(angle, _HAIRLINE[:, 0], _HAIRLINE[:, 1]) - style.hairline * (angle < 66)
    line = line - style.recede * np.exp(-(((angle - 36) / 20) ** 2))
    line = line + style.fringe * _bell(azimuth + 25 * style.part, 42) * (1 - _bell(azimuth - 50 * style.part, 16))
    if style.kind == "bald":
        line = np.where(angle < 96, -20.0, line)
    ragged = lookup_noise(person.grain_seed, template.height * 3, np.degrees(template.azimuth) * 0.9)
    edge = np.clip((line + 0.55 * ragged - height) / 0.7, 0, 1)
    crown = np.clip((-3.5 - height) / 5, 0, 1)
    if style.kind == "bald":
        edge = edge * np.clip((height + 3.5 - 0.02 * (angle - 96)) / 3, 0, 1)
    volume = style.side + (style.top - style.side) * crown
    parted = 1 + 0.35 * np.tanh(azimuth * -np.sign(style.part) / 40) - 0.6 * _bell(azimuth - 38 * style.part, 9) * crown
    volume = volume * (parted if style.part else 1.0) + style.curl * volume * 0.35 * ragged
    return np.maximum(np.where(edge > 0, edge**0.6 * np.maximum(volume, 0.08), 0.0), _beard_thickness(person))


def hair_surface(surface: FloatArray, normals: FloatArray, thickness: FloatArray) -> FloatArray:
    """Raise a bent head (ROWS, COLUMNS, 3) along its normals by the thickness of its hair."""
    return surface + normals * thickness[..., None]


def hanging_hair(person: Person) -> FloatArray:
    """Hang long hair behind and beside the face: a grid (36, 61, 3) in head coordinates."""
    style = person.style
    y = np.linspace(-7.0, style.length, 36)[:, None]
    azimuth = np.radians(np.linspace(74, 286, 61))[None, :]
    skull = np.sqrt(np.clip(1 - (np.minimum(y + 3, 0) / 8.2) ** 2, 0, 1))
    waves = lookup_noise(person.grain_seed + 1, y[:, 0] * (1 + 3 * style.curl), np.degrees(azimuth[0]) * 0.8)
    fall = np.maximum(y - 1, 0)
    out = 7.5 * skull + style.side + 0.12 * fall + 0.3 * waves
    back = 9.6 * skull + style.side - 0.25 * fall
    x = out * np.sin(azimuth) * (1 + 0.03 * np.sin(y * 0.8))
    z = -0.8 + np.where(np.cos(azimuth) > 0, out, back) * np.cos(azimuth)
    return np.stack([x, np.broadcast_to(y, x.shape) + 0.4 * waves * (y > style.length - 2), z], axis=-1)


def bun(person: Person) -> FloatArray:
    """Tie hair up: a knob on the crown, a grid (25, 33, 3) in head coordinates."""
    polar, azimuth = np.linspace(0, np.pi, 25)[:, None], np.linspace(-np.pi, np.pi, 33)[None, :]
    radius = 2.6 + 0.25 * lookup_noise(person.grain_seed + 2, np.arange(25) * 2.0, np.arange(33) * 2.0)
    x, z = radius * np.sin(polar) * np.sin(azimuth), radius * np.sin(polar) * np.cos(azimuth)
    y = -radius * np.cos(polar)
    return np.stack([x, y * 0.85 - 11.0, z - 4.0], axis=-1)


def shoulders(rotation_deg: FloatArray) -> FloatArray:
    """Put neck and shoulders under a head, in its coordinates; the body follows a third of the head's turn."""
    yaw, pitch, roll = rotation_deg
    to_body = rotation_matrix(yaw, pitch, roll).T @ rotation_matrix(0.3 * yaw, 0.1 * pitch, 0.25 * roll)
    return np.asarray(body_coordinates() @ to_body.T + _NECK_TOP)


@cache
def body_coordinates() -> FloatArray:
    """Build neck and shoulders (44, 61, 3) in centimetres from the top of the neck."""
    y = np.linspace(-2.0, 27.0, 44)[:, None]
    azimuth = np.radians(np.linspace(-105, 105, 61))[None, :]
    knots = [-2.0, 3.5, 5.5, 7.0, 8.5, 10.5, 13.0, 16.0, 22.0, 27.0]
    half = np.interp(y, knots, [4.8, 4.7, 5.1, 6.4, 9.6, 13.0, 16.0, 18.2, 19.5, 19.5])
    depth = np.interp(y, knots, [5.0, 5.0, 5.3, 5.8, 6.6, 7.6, 8.6, 9.6, 11.0, 11.0])
    x = half * np.sin(azimuth)
    z = depth * np.cos(azimuth) - 1.5 + 0.1 * np.maximum(y - 6, 0)
    return np.stack([x, np.broadcast_to(y, x.shape), z], axis=-1)


def _bell(values: FloatArray, width: float) -> FloatArray:
    return np.exp(-((values / width) ** 2))


def _beard_thickness(person: Person) -> FloatArray:
    chart, beard = skin_chart(), person.beard
    cheeks = np.clip(chart.on_grid("beard") * 1.6 - 0.5, 0, 1) * beard.beard_cm
    return np.maximum(cheeks, np.clip(chart.on_grid("moustache") * 1.6 - 0.5, 0, 1) * beard.moustache_cm)
