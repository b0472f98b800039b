"""What a person is made of, to look at: skin with brows, eyes and mouth; hair; cloth. Colours are linear, (3, P)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.appearance import Person, Scene
from landmark_discovery.data.synthetic.chart import BROW_REACH_CM, skin_chart
from landmark_discovery.data.synthetic.noise import scattered_noise
from landmark_discovery.data.synthetic.rasteriser import FloatMap, Fragments
from landmark_discovery.data.synthetic.shading import Lit, blend, matt_light, ramp, shine

# Light creeps round a bend in skin, red light farthest.
_SKIN_WRAP = np.array([0.32, 0.2, 0.16], dtype=np.float32)
_NO_WRAP = np.zeros(3, dtype=np.float32)
_IRIS_RADIUS_CM, _PUPIL_RADIUS_CM = 0.62, 0.26


def shade_skin(
    person: Person, scene: Scene, fragments: Fragments, lit: Lit, local: FloatMap, irises: FloatMap
) -> FloatMap:
    """Colour the head; (3, P).

    Args:
        person: whose head.
        scene: its light.
        fragments: what the pixels show.
        lit: normals and cast darkness.
        local: (3, P) head coordinates of the fragments.
        irises: (2, 2) x and y of the irises in head coordinates, the subject's right one first.
    """
    masks = skin_chart().read(fragments.rows, fragments.columns)
    light = matt_light(scene, lit, 1 - np.float32(0.62) * masks["occlusion"], _SKIN_WRAP)
    wet = (0.25 + 0.9 * masks["lips"] + 0.35 * person.makeup * masks["blush"]) * (1 - masks["occlusion"])
    gloss = shine(scene, lit, 18.0) * wet * np.float32(0.16)
    colour = _skin_colour(person, fragments, masks) * light + gloss * scene.key[:, None]
    for name, paint in (("mouth", _mouth_colour), ("eyes", _eye_colour)):
        inside = np.flatnonzero(masks[name])
        if len(inside):
            here = {key: mask[inside] for key, mask in masks.items()}
            painted = paint(person, scene, local[:, inside], here, irises) * (0.2 + 0.8 * light[:, inside])
            colour[:, inside] = blend(colour[:, inside], painted, here[name])
    dark = (0.85 + 0.1 * person.makeup) * masks["upper_lash"]
    colour *= (1 - dark * (1 - 0.5 * masks["eyes"])) * (1 - (0.35 + 0.3 * person.makeup) * masks["lower_lash"])
    return np.asarray(colour, dtype=np.float32)


def shade_hair(person: Person, scene: Scene, fragments: Fragments, lit: Lit, brightness: float) -> FloatMap:
    """Colour hair: strands, and a band of shine across them; (3, P)."""
    curly = person.style.curl > 0.5
    strands = scattered_noise(
        person.grain_seed, fragments.rows * 5, fragments.columns * 6, "curls" if curly else "streaks"
    )
    x, y, z = lit.normals
    tangled = np.stack([x + np.float32(0.28) * strands, y, z])
    tangled = tangled / np.sqrt(tangled[0] ** 2 + tangled[1] ** 2 + tangled[2] ** 2)
    rough = Lit(tangled, lit.arrives)
    albedo = person.hair[:, None] * np.exp(np.float32(0.32) * strands) * np.float32(brightness)
    gloss = shine(scene, rough, 9.0) * np.float32(brightness * (1 - 0.6 * person.style.curl))
    tint = (np.float32(0.15) * person.hair + np.float32(0.018)) * scene.key
    return np.asarray(albedo * matt_light(scene, rough, 0.85, _NO_WRAP) + gloss * tint[:, None])


def shade_body(person: Person, scene: Scene, fragments: Fragments, lit: Lit, local: FloatMap) -> FloatMap:
    """Colour neck and clothes; (3, P). `local` are centimetres from the top of the neck."""
    weave = scattered_noise(person.grain_seed, fragments.rows * 9, fragments.columns * 9, "fine")
    collar = 6.2 + np.float32(scene.neckline_cm) * np.exp(-((local[0] / np.float32(4.0)) ** 2))
    above = collar - local[1]
    hem = 1 - np.float32(0.35) * np.exp(-((above * 2) ** 2))
    under_chin = 1 - np.float32(0.5) * np.exp(-((local[1] / np.float32(4.5)) ** 2))
    cloth = scene.cloth[:, None] * (1 + np.float32(0.07) * weave)
    albedo = blend(person.skin[:, None] * np.float32(0.93), cloth, ramp(-above, 0.0, 0.25))
    return albedo * matt_light(scene, lit, hem * under_chin, _SKIN_WRAP)


def _skin_colour(person: Person, fragments: Fragments, masks: Mapping[str, FloatMap]) -> FloatMap:
    mottle = scattered_noise(person.grain_seed, fragments.rows * 6, fragments.columns * 6, "soft")
    freckle = ramp(mottle, 1.1, 2.0) * np.float32(person.freckles) * (0.3 + masks["blush"])
    skin = person.skin[:, None]
    albedo: FloatMap = skin * (1 + np.float32(0.04) * mottle - np.float32(0.4) * freckle)
    flushed = np.float32(0.65 * person.blush) * np.maximum(masks["blush"], masks["ear"])
    albedo = albedo * (1 - _colour(0.0, 0.34, 0.38) * flushed)
    shaven = np.float32(0.55 * person.beard.stubble) * np.maximum(masks["beard"], masks["moustache"])
    albedo = blend(albedo, np.minimum(person.hair, person.skin * np.float32(0.4))[:, None], shaven)
    albedo = albedo * (1 - _colour(0.38, 0.48, 0.51) * masks["lid_crease"]) * (1 - np.float32(0.9) * masks["nostril"])
    for name, colour in (("lips", person.lips), ("brow", person.brow)):
        covered = masks["lips"] > 0 if name == "lips" else masks["brow"] < 1
        some = np.flatnonzero(covered)
        strands = scattered_noise(person.grain_seed, fragments.columns[some] * 5, fragments.rows[some] * 7, "streaks")
        share = np.float32(0.88) * masks["lips"][some] if name == "lips" else _brow_share(person, masks, some, strands)
        albedo[:, some] = blend(albedo[:, some], colour[:, None] * (1 + np.float32(0.07) * strands), share)
    return albedo


def _brow_share(person: Person, masks: Mapping[str, FloatMap], some: NDArray[np.int64], strands: FloatMap) -> FloatMap:
    """Say how much of each fragment the brow covers; it thins out towards the temple."""
    taper = np.float32(person.brow_half_width_cm) * (1.1 - 0.65 * masks["brow_along"][some] ** 1.5)
    share = ramp(1.25 - masks["brow"][some] * BROW_REACH_CM / taper, 0.0, 0.65)
    return np.asarray(share * np.clip(0.85 + 0.15 * strands, 0.4, 1))


def _mouth_colour(
    person: Person, scene: Scene, local: FloatMap, masks: Mapping[str, FloatMap], irises: FloatMap
) -> FloatMap:
    """Colour the inside of the mouth: upper teeth, tongue, darkness."""
    del person, scene, irises
    x, y, down = local[0], local[1], masks["mouth_down"]
    central = np.abs(x) < 1.2
    opening = float(np.ptp(y[central])) if central.any() else 0.0
    tongue = _colour(0.06, 0.015, 0.015) + _colour(0.30, 0.09, 0.085) * ramp(down, 0.5, 0.95)
    teeth_share = (
        ramp(-down * np.float32(opening), -0.85, -0.7)
        * ramp(-np.abs(x), -2.1, -1.5)
        * np.float32(np.clip((opening - 0.3) / 0.3, 0, 1))
    )
    gaps = 1 - 0.3 * np.exp(-(((np.abs(x) % 0.62 - 0.02) / 0.07) ** 2))
    return blend(tongue, _colour(0.78, 0.72, 0.62) * (gaps * (1 - 0.09 * x**2)), teeth_share)


def _eye_colour(
    person: Person, scene: Scene, local: FloatMap, masks: Mapping[str, FloatMap], irises: FloatMap
) -> FloatMap:
    """Colour the eyes: white, iris with its dark rim, pupil, glint, and the darkness under the upper lid."""
    x, y = local[0], local[1]
    across = x - np.where(x < 0, irises[0, 0], irises[1, 0])
    down = y - np.where(x < 0, irises[0, 1], irises[1, 1])
    radius = np.hypot(across, down)
    corner = np.exp(-(((np.abs(x) - 1.85) / 0.22) ** 2)) * _colour(0.05, 0.3, 0.28)
    bright = (0.65 + 0.9 * ramp(radius, 0.2, 0.5) * (1 + 0.8 * down)) * (1 - 0.75 * ramp(radius, 0.46, 0.6))
    iris = person.iris[:, None] * np.maximum(bright, 0.05)
    edge = ramp(-radius, -_IRIS_RADIUS_CM - 0.04, -_IRIS_RADIUS_CM + 0.04)
    colour = blend(_colour(0.74, 0.70, 0.67) - corner, iris, edge)
    colour = colour * (1 - 0.97 * ramp(-radius, -_PUPIL_RADIUS_CM - 0.05, -_PUPIL_RADIUS_CM + 0.05))
    shade = 1 - 0.6 * np.exp(-((masks["eye_down"] / 0.28) ** 2))
    glint = np.hypot(across - 0.24 * scene.light[0], down - 0.12 - 0.42 * scene.light[1])
    return np.asarray(colour * shade + 1.3 * ramp(-glint, -0.17, -0.1), dtype=np.float32)


def _colour(red: float, green: float, blue: float) -> FloatMap:
    return np.array([[red], [green], [blue]], dtype=np.float32)
