"""Draw one picture of one person, with the 68 points that belong to it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.synthetic.appearance import Person, Scene, sample_scene
from landmark_discovery.data.synthetic.background import draw_background
from landmark_discovery.data.synthetic.eyewear import draw_glasses
from landmark_discovery.data.synthetic.face_model import LEFT_EYE, RIGHT_EYE, face_model
from landmark_discovery.data.synthetic.materials import shade_body, shade_hair, shade_skin
from landmark_discovery.data.synthetic.outfit import (
    body_coordinates,
    bun,
    hair_surface,
    hair_thickness,
    hanging_hair,
    shoulders,
)
from landmark_discovery.data.synthetic.pose import Camera, place_camera
from landmark_discovery.data.synthetic.rasteriser import FloatMap, Sheet, rasterise
from landmark_discovery.data.synthetic.shading import Lit, cast_shadow, lookup, view_normals
from landmark_discovery.data.synthetic.template import FloatArray, surface_normals

# Each pixel is the mean of so many by so many.
SUPERSAMPLING = 1.5


def draw_face(generator: np.random.Generator, person: Person, size_px: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """Draw a person under circumstances of the generator's choosing.

    Returns:
        The picture (size, size, 3), RGB, and the points (68, 2) in its pixels.
    """
    scene = sample_scene(generator)
    return draw_scene(generator, person, scene, size_px)


def draw_scene(
    generator: np.random.Generator, person: Person, scene: Scene, size_px: int
) -> tuple[NDArray[np.uint8], FloatArray]:
    """Draw a person under given circumstances; the generator makes background and noise.

    Returns:
        The picture (size, size, 3), RGB, and the points (68, 2) in its pixels.
    """
    model = face_model()
    surface = model.surface(person.identity, scene.expression)
    landmarks = model.landmarks(surface)
    camera = place_camera(landmarks, scene.rotation_deg, scene.points_height, scene.offset, size_px)
    side = round(size_px * SUPERSAMPLING)
    background = cv2.resize(draw_background(generator, size_px), (side, side), interpolation=cv2.INTER_LINEAR)
    fine_camera = camera.enlarged(side / size_px)
    picture = _render(person, scene, surface, landmarks, fine_camera, np.asarray(background, np.float32))
    image = _photograph(generator, scene, picture, size_px)
    return image, camera.project(landmarks)[:, :2]


def _render(
    person: Person, scene: Scene, surface: FloatArray, landmarks: FloatArray, camera: Camera, background: FloatMap
) -> FloatMap:
    """Draw a person over a background that has the size of supersampling; linear RGB."""
    thickness, normals = hair_thickness(person), surface_normals(surface)
    hairy, body = hair_surface(surface, normals, thickness), shoulders(scene.rotation_deg)
    loose = _loose_hair(person)
    # Skin under thick hair is left out, so that none of it shows between samples of hair. Curls fold over, so that
    # their backs show.
    sheets = [
        Sheet(camera.project(surface), present=0.3 - thickness),
        Sheet(camera.project(body)),
        Sheet(camera.project(hairy), present=thickness - 0.05, two_sided=person.style.curl > 0.5),
        *(Sheet(camera.project(grid), two_sided=True) for grid in loose),
    ]
    fragments, depth = rasterise(sheets, background.shape[0], background.shape[1], 0.3 * camera.scale)
    arrives = cast_shadow(depth, camera.scale, scene.light).ravel()
    picture = background.copy()
    flat = picture.reshape(-1, 3)
    for index, (grid, part) in enumerate(zip([surface, body, hairy, *loose], fragments, strict=True)):
        grid_normals = normals if index == 0 else surface_normals(grid)
        lit = Lit(view_normals(grid_normals, part, camera.rotation), arrives[part.pixels])
        if index == 0:
            colour = shade_skin(person, scene, part, lit, lookup(surface, part), _irises(landmarks, scene))
        elif index == 1:
            colour = shade_body(person, scene, part, lit, lookup(body_coordinates(), part))
        else:
            colour = shade_hair(person, scene, part, lit, 1.0 if index == 2 else 0.65)
        flat[part.pixels] = colour.T
    if person.glasses is None:
        return picture
    return draw_glasses(picture, depth, person.glasses, scene, landmarks, camera)


def _loose_hair(person: Person) -> list[FloatArray]:
    grids = [hanging_hair(person)] if person.style.length > 0 else []
    return [*grids, bun(person)] if person.style.kind == "bun" else grids


def _irises(landmarks: FloatArray, scene: Scene) -> FloatMap:
    """Place the irises: between the corners, whatever the lids do; (2, 2) head coordinates."""
    centres = []
    for eye in (landmarks[RIGHT_EYE], landmarks[LEFT_EYE]):
        middle = (eye[0, :2] + eye[3, :2]) / 2
        centres.append(middle + np.array([0.0, -0.15]) + scene.gaze)
    return np.asarray(centres, dtype=np.float32)


def _photograph(generator: np.random.Generator, scene: Scene, picture: FloatMap, size_px: int) -> NDArray[np.uint8]:
    """Take the picture: shrink, expose, blur, add noise; display RGB."""
    small = cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA) * np.float32(scene.exposure)
    # Film gives way gradually where light is strong.
    toned = small * (1 + small / 2.6) / (1 + small)
    display = np.power(np.clip(toned * 1.35, 0, 1), np.float32(1 / 2.2)) * 255
    deviation = scene.blur_px * size_px / 160
    if deviation > 0.2:
        display = cv2.GaussianBlur(display, (0, 0), deviation)
    noise = generator.standard_normal(display.shape, dtype=np.float32) * np.float32(scene.noise)
    return np.asarray(np.clip(np.rint(display + noise), 0, 255).astype(np.uint8))
