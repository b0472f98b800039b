"""What is drawn at random: who a person is, and how one picture of them is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.face_model import face_model
from landmark_discovery.data.synthetic.template import FloatArray

# Linear RGB in single precision.
Colour = NDArray[np.floating]

_SKINS = [
    (250, 220, 196),
    (240, 196, 164),
    (226, 176, 138),
    (204, 146, 106),
    (164, 106, 74),
    (120, 76, 54),
    (84, 54, 40),
]
_HAIRS = [(18, 15, 14), (34, 24, 19), (58, 38, 26), (92, 60, 38), (140, 98, 58), (196, 158, 104), (150, 70, 36)]
_HAIRS += [(120, 116, 112), (196, 192, 188)]
_HAIR_ODDS = [0.22, 0.2, 0.17, 0.12, 0.09, 0.07, 0.04, 0.05, 0.04]
_IRISES = [(60, 36, 20), (84, 52, 28), (112, 84, 44), (92, 108, 70), (88, 122, 152), (110, 128, 140)]
_FRAMES = [(22, 20, 22), (70, 44, 28), (120, 116, 112), (120, 26, 30), (30, 46, 90)]


@dataclass(frozen=True)
class HairStyle:
    """Describe the hair; thicknesses in centimetres.

    Attributes:
        kind: "bald", "short", "medium", "long", "curly" or "bun".
        top: thickness on top.
        side: thickness at the sides.
        hairline: how much higher than usual the forehead ends.
        recede: how much farther back the temples are.
        fringe: how far hair falls into the forehead.
        part: where it is parted: -1 subject's right .. 1 left.
        length: how far long hair falls below the eyes; 0 for none.
        curl: 0 straight .. 1 curly.
    """

    kind: str
    top: float
    side: float
    hairline: float
    recede: float
    fringe: float
    part: float
    length: float
    curl: float


@dataclass(frozen=True)
class Beard:
    """Describe the beard: darkness of stubble 0 to 1, thickness of moustache and beard in centimetres."""

    stubble: float
    moustache_cm: float
    beard_cm: float


@dataclass(frozen=True)
class Glasses:
    """Describe glasses: half width and height of a lens and thickness (cm), squareness, colour, tint 0 to 1."""

    half_width: float
    half_height: float
    thickness: float
    squareness: float
    colour: Colour
    tint: float


@dataclass(frozen=True)
class Person:
    """Hold what stays the same from picture to picture; colours are linear RGB from 0 to 1."""

    identity: Mapping[str, float]
    skin: Colour
    lips: Colour
    iris: Colour
    hair: Colour
    brow: Colour
    style: HairStyle
    beard: Beard
    glasses: Glasses | None
    brow_half_width_cm: float
    blush: float
    freckles: float
    makeup: float
    grain_seed: int


@dataclass(frozen=True)
class Scene:
    """Hold what differs between pictures of one person.

    Attributes:
        expression: weights of the expression modes.
        gaze: (2,) shift of the irises in centimetres, right and down.
        rotation_deg: (3,) yaw (positive: towards the right of the picture), pitch (positive: down), roll.
        points_height: height of the box of the 68 points as a share of the picture's.
        offset: (2,) from the middle of the picture to the box's, as a share of the room there is, -1 to 1.
        light: (3,) direction towards the main light, unit length.
        key: (3,) colour and strength of the main light.
        ambient: (3,) colour and strength of all other light.
        cloth: (3,) colour of the clothes.
        neckline_cm: how deep the clothes are cut.
        exposure: factor on the light.
        blur_px: standard deviation of the blur in a picture 160 pixels wide.
        noise: standard deviation of the sensor noise, of 255.
    """

    expression: Mapping[str, float]
    gaze: FloatArray
    rotation_deg: FloatArray
    points_height: float
    offset: FloatArray
    light: FloatArray
    key: Colour
    ambient: Colour
    cloth: Colour
    neckline_cm: float
    exposure: float
    blur_px: float
    noise: float


def linear(colour: tuple[float, ...] | Colour) -> Colour:
    """Turn display RGB (0 to 255) into linear RGB (0 to 1)."""
    return np.asarray((np.asarray(colour, dtype=np.float64) / 255) ** 2.2, dtype=np.float32)


def sample_person(generator: np.random.Generator) -> Person:
    """Draw a person."""
    identity = {name: _bounded(generator) for name in face_model().identity_modes}
    tone = generator.random() ** 1.25 * (len(_SKINS) - 1)
    skin = linear(_between(_SKINS, tone)) * generator.normal(1, 0.05, 3)
    hair_odds = np.array(_HAIR_ODDS) * np.where((np.arange(9) > 3) & (np.arange(9) < 7) & (tone > 3.2), 0.1, 1)
    hair = linear(_HAIRS[generator.choice(9, p=hair_odds / hair_odds.sum())]) * generator.uniform(0.75, 1.3)
    masculine = generator.random() < 0.55
    makeup = float((not masculine) * (generator.random() < 0.5) * generator.uniform(0.3, 1))
    red = linear((150, 40, 50)) if makeup else skin * np.array([0.9, 0.5, 0.5])
    lips = skin * np.array([0.82, 0.52, 0.5]) * (1 - 0.7 * makeup) + red * 0.7 * makeup
    iris = linear(_IRISES[generator.integers(2 if tone > 3.2 else len(_IRISES))])
    return Person(
        identity=identity,
        skin=_colour(skin),
        lips=_colour(lips),
        iris=_colour(iris * generator.uniform(0.8, 1.3)),
        hair=_colour(hair),
        brow=_colour(np.minimum(hair * 0.8, skin * 0.45)),
        style=_sample_style(generator, masculine, tone),
        beard=_sample_beard(generator, masculine),
        glasses=_sample_glasses(generator) if generator.random() < 0.22 else None,
        brow_half_width_cm=float(generator.uniform(0.3, 0.5) if masculine else generator.uniform(0.2, 0.35)),
        blush=float(generator.uniform(0.1, 0.8)),
        freckles=float(generator.uniform(0.3, 1.0) if generator.random() < 0.2 else generator.uniform(0, 0.2)),
        makeup=makeup,
        grain_seed=int(generator.integers(2**31)),
    )


def sample_scene(generator: np.random.Generator) -> Scene:
    """Draw the circumstances of one picture."""
    rotation = np.array(
        [
            np.clip(generator.normal(0, 19), -45, 45),
            np.clip(generator.normal(0, 9), -20, 20),
            np.clip(generator.normal(0, 10), -25, 25),
        ]
    )
    azimuth, elevation = np.radians(generator.uniform(-75, 75)), np.radians(generator.uniform(5, 60))
    light = np.array([np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    warmth = generator.normal(0, 0.09)
    strength = generator.uniform(0.55, 1.15)
    return Scene(
        expression=_sample_expression(generator),
        gaze=np.array([-0.012 * rotation[0], -0.012 * rotation[1]]) + generator.normal(0, [0.13, 0.06]),
        rotation_deg=rotation,
        points_height=float(generator.uniform(0.45, 0.66)),
        offset=np.clip(generator.normal([0, 0.15], [0.25, 0.21]), -1, 1),
        light=light.astype(np.float32),
        key=_colour(strength * np.array([1 + warmth, 1.0, 1 - warmth])),
        ambient=_colour(generator.uniform(0.28, 0.6) * np.array([1 - 0.5 * warmth, 1.0, 1 + 0.5 * warmth])),
        cloth=linear(np.clip(generator.uniform(20, 225) + generator.normal(0, 35, 3), 8, 245)),
        neckline_cm=float(generator.uniform(0, 4)),
        exposure=float(generator.uniform(0.85, 1.35)),
        blur_px=float(max(0.0, generator.normal(0.25, 0.3))),
        noise=float(abs(generator.normal(1.5, 2.0))),
    )


def _colour(values: NDArray[np.floating]) -> Colour:
    return np.asarray(np.clip(values, 0.004, 2).astype(np.float32))


def _bounded(generator: np.random.Generator) -> float:
    return float(np.clip(generator.normal(), -2.0, 2.0))


def _between(colours: list[tuple[int, int, int]], position: float) -> Colour:
    low = min(int(position), len(colours) - 2)
    share = position - low
    return np.array(colours[low]) * (1 - share) + np.array(colours[low + 1]) * share


def _sample_style(generator: np.random.Generator, masculine: bool, tone: float) -> HairStyle:
    kinds = ["bald", "short", "medium", "long", "curly", "bun"]
    odds = np.array([0.1, 0.46, 0.22, 0.06, 0.1, 0.06] if masculine else [0.01, 0.1, 0.2, 0.45, 0.12, 0.12])
    if tone > 3.2:
        odds[4] *= 2.5
    kind = str(generator.choice(kinds, p=odds / odds.sum()))
    top, side = {
        "bald": (0.0, 0.12),
        "short": (0.7, 0.35),
        "medium": (1.5, 0.8),
        "long": (1.3, 0.9),
        "curly": (2.6, 2.0),
        "bun": (0.55, 0.4),
    }[kind]
    falls = generator.uniform(5, 17) if kind == "long" else 0.0
    fringed = kind in ("medium", "long", "short") and generator.random() < 0.4
    return HairStyle(
        kind=kind,
        top=float(top * generator.uniform(0.7, 1.5)),
        side=float(side * generator.uniform(0.7, 1.4)),
        hairline=float(generator.normal(0, 0.35)),
        recede=float(generator.uniform(0, 2.0) if masculine and generator.random() < 0.4 else 0.0),
        fringe=float(generator.uniform(0.8, 2.9) if fringed else 0.0),
        part=float(generator.choice([-1, 1]) * generator.uniform(0.3, 0.8) if generator.random() < 0.7 else 0.0),
        length=float(falls),
        curl=float(generator.uniform(0.7, 1.0) if kind == "curly" else generator.uniform(0, 0.4)),
    )


def _sample_beard(generator: np.random.Generator, masculine: bool) -> Beard:
    if not masculine:
        return Beard(0.0, 0.0, 0.0)
    chance = generator.random()
    stubble = float(generator.uniform(0, 0.5))
    thick, lip = float(generator.uniform(0.25, 1.1)), float(generator.uniform(0.2, 0.45))
    if chance < 0.5:
        return Beard(stubble, 0.0, 0.0)
    if chance < 0.65:
        return Beard(stubble, lip, 0.0)
    return Beard(max(stubble, 0.4), lip, thick)


def _sample_glasses(generator: np.random.Generator) -> Glasses:
    return Glasses(
        half_width=float(generator.uniform(2.3, 2.75)),
        half_height=float(generator.uniform(1.5, 2.2)),
        thickness=float(generator.uniform(0.12, 0.4)),
        squareness=float(generator.uniform(2, 5)),
        colour=linear(_FRAMES[generator.integers(len(_FRAMES))]),
        tint=float(generator.uniform(0.7, 0.95) if generator.random() < 0.08 else generator.uniform(0, 0.12)),
    )


def _sample_expression(generator: np.random.Generator) -> dict[str, float]:
    weights = {"close_mouth": 1.0}
    mood = generator.random()
    if mood < 0.4:
        weights["smile"] = generator.uniform(0.3, 1.1)
        weights["show_teeth"] = generator.uniform(0, 1.4) * (generator.random() < 0.6)
        weights["open_mouth"] = generator.uniform(0, 0.35) * (generator.random() < 0.5)
    elif mood < 0.55:
        weights["open_mouth"] = generator.uniform(0.3, 1.0)
        weights["raise_brows"] = generator.uniform(0, 1)
    elif mood < 0.65:
        weights["mouth_down"] = generator.uniform(0.3, 1)
        weights["worry"] = generator.uniform(0, 1)
    elif mood < 0.72:
        weights["pout"] = generator.uniform(0.3, 0.9)
    brows = generator.random()
    if brows < 0.15:
        weights["frown"] = generator.uniform(0.3, 1)
    elif brows < 0.3:
        weights["raise_brows"] = generator.uniform(0.3, 1)
    eyes = generator.random()
    if eyes < 0.05:
        weights["close_eyes"] = generator.uniform(0.8, 1.0)
    elif eyes < 0.3:
        weights["squint"] = generator.uniform(0.2, 1)
    elif eyes < 0.5:
        weights["widen_eyes"] = generator.uniform(0.2, 1)
    return {name: float(weight) for name, weight in weights.items()}
