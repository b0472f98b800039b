"""Pictures: the points lie on what is drawn, and the same seed draws the same."""

import dataclasses

import cv2
import numpy as np
import pytest

from landmark_discovery.data.synthetic.appearance import Beard, sample_person, sample_scene
from landmark_discovery.data.synthetic.background import draw_background
from landmark_discovery.data.synthetic.drawing import draw_face, draw_scene
from landmark_discovery.data.synthetic.noise import SIDE, lookup_noise, noise_field

SIZE = 240


def plain_person(**changes):
    """Take a person whose eyes, brows and lips are in the open."""
    person = sample_person(np.random.default_rng(5))
    open_face = {
        "identity": {},
        "skin": np.array([0.75, 0.55, 0.45], np.float32),
        "lips": np.array([0.5, 0.1, 0.1], np.float32),
        "iris": np.array([0.03, 0.02, 0.01], np.float32),
        "brow": np.array([0.03, 0.02, 0.02], np.float32),
        "style": dataclasses.replace(person.style, kind="short", fringe=0.0, length=0.0, curl=0.0),
        "beard": Beard(0.0, 0.0, 0.0),
        "glasses": None,
        "freckles": 0.0,
        "makeup": 0.0,
    }
    return dataclasses.replace(person, **{**open_face, **changes})


def plain_scene(**changes):
    scene = sample_scene(np.random.default_rng(0))
    calm = {
        "expression": {"close_mouth": 1.0},
        "gaze": np.zeros(2),
        "rotation_deg": np.zeros(3),
        "points_height": 0.6,
        "offset": np.zeros(2),
        "light": np.array([0.0, -0.28, 0.96], np.float32),
        "key": np.full(3, 0.8, np.float32),
        "ambient": np.full(3, 0.45, np.float32),
        "exposure": 1.0,
        "blur_px": 0.0,
        "noise": 0.0,
    }
    return dataclasses.replace(scene, **{**calm, **changes})


def draw(person=None, scene=None):
    return draw_scene(np.random.default_rng(1), person or plain_person(), scene or plain_scene(), SIZE)


def inside(points):
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], (1,))
    return mask > 0


POSES = [(0, 0, 0), (25, 0, 0), (-25, 8, 0), (0, -12, 15), (10, 10, -20)]


@pytest.mark.parametrize("pose", POSES)
@pytest.mark.parametrize("eye", [slice(36, 42), slice(42, 48)])
def test_the_iris_is_drawn_between_the_corners_of_the_eye(pose, eye):
    scene = plain_scene(rotation_deg=np.array(pose, float), expression={"close_mouth": 1.0, "widen_eyes": 1.0})
    image, points = draw(scene=scene)
    corners = points[eye][[0, 3]]
    rows, columns = np.nonzero(inside(points[eye]) & (image.max(axis=2) < 90))
    # The lashes are dark, too: the middle of what is dark is still the iris.
    found = np.array([np.median(columns), np.median(rows)])
    width = np.linalg.norm(corners[1] - corners[0])
    assert np.linalg.norm(found - corners.mean(axis=0)) < 0.22 * width


def test_the_iris_goes_where_the_gaze_goes():
    def middle(gaze):
        image, points = draw(scene=plain_scene(gaze=np.array([gaze, 0.0])))
        return np.median(np.nonzero(inside(points[36:42]) & (image.max(axis=2) < 90))[1])

    assert middle(0.4) > middle(-0.4) + 3


@pytest.mark.parametrize("pose", POSES)
def test_lips_are_red_inside_their_outline_and_nowhere_near_it(pose):
    image, points = draw(scene=plain_scene(rotation_deg=np.array(pose, float)))
    redness = image[..., 0] / np.maximum(image[..., 1].astype(float), 1)
    lips = inside(points[48:60])
    grown = cv2.dilate(lips.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    around = cv2.dilate(grown.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & ~grown
    assert np.median(redness[lips]) > np.median(redness[around]) + 0.25


def test_an_open_mouth_is_dark_below_the_teeth():
    scene = plain_scene(expression={"close_mouth": 1.0, "open_mouth": 1.0})
    image, points = draw(scene=scene)
    x, y = np.rint(points[66] - [0, 0.35 * (points[66, 1] - points[62, 1])]).astype(int)
    assert image[y, x].max() < 150
    teeth_y = round(points[62, 1] + 0.2 * (points[66, 1] - points[62, 1]))
    assert image[teeth_y, x].min() > image[y, x].max()


@pytest.mark.parametrize("pose", POSES)
def test_brows_are_drawn_along_their_points(pose):
    image, points = draw(scene=plain_scene(rotation_deg=np.array(pose, float)))
    brightness = image.mean(axis=2)
    for brow in (points[18:21], points[23:26]):
        on = [brightness[round(y), round(x)] for x, y in brow]
        above = [brightness[round(y) - 14, round(x)] for x, y in brow]
        assert np.mean(on) < np.mean(above) - 25


def test_the_chin_ends_where_its_point_is():
    image, points = draw(scene=plain_scene())
    column = image[:, round(points[8, 0])].mean(axis=1)
    y = round(points[8, 1])
    assert column[y - 12 : y - 4].mean() > column[y + 4 : y + 12].mean() + 15


def test_light_from_one_side_makes_the_sides_differ():
    side = np.array([0.8, 0.0, 0.6], np.float32)
    image, points = draw(scene=plain_scene(light=side))
    cheeks = [image[round(points[30, 1]), round(points[30, 0]) + offset].mean() for offset in (-40, 40)]
    assert cheeks[1] > cheeks[0] + 20


def test_glasses_and_beards_are_seen():
    bare = draw()[0]
    bearded = draw(plain_person(beard=Beard(0.5, 0.3, 0.8)))[0]
    assert np.abs(bare.astype(int) - bearded).mean() > 1


def test_a_picture_is_rgb_of_the_size_asked_for():
    image, points = draw_face(np.random.default_rng(0), sample_person(np.random.default_rng(0)), 96)
    assert image.shape == (96, 96, 3)
    assert image.dtype == np.uint8
    assert points.shape == (68, 2)
    assert points.min() >= 0
    assert points.max() <= 95


@pytest.mark.parametrize("seed", range(6))
def test_faces_fill_about_half_of_the_picture(seed):
    _, points = draw_face(np.random.default_rng(seed), sample_person(np.random.default_rng(seed)), 80)
    assert 0.4 <= np.ptp(points[:, 1]) / 80 <= 0.75


def test_the_same_seed_draws_the_same_and_another_doesnt():
    person = sample_person(np.random.default_rng(7))
    first, second, third = (draw_face(np.random.default_rng(seed), person, 80) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert (first[0] != third[0]).any()


def test_the_threads_of_opencv_change_no_byte():
    person, before = sample_person(np.random.default_rng(8)), cv2.getNumThreads()
    pictures = []
    try:
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            pictures.append(draw_face(np.random.default_rng(2), person, 200)[0])
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(*pictures)


def test_a_larger_picture_has_its_points_in_the_same_places():
    person, scene = plain_person(), plain_scene()
    small = draw_scene(np.random.default_rng(0), person, scene, 100)[1]
    large = draw_scene(np.random.default_rng(0), person, scene, 200)[1]
    np.testing.assert_allclose(large + 0.5, 2 * (small + 0.5), atol=1e-9)


def test_backgrounds_differ_and_repeat():
    first, again, other = (draw_background(np.random.default_rng(seed), 64) for seed in (1, 1, 2))
    assert first.shape == (64, 64, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


@pytest.mark.parametrize("name", ["fine", "soft", "streaks", "curls"])
def test_noise_is_centred_and_repeats_without_a_seam(name):
    field = noise_field(name)
    assert field.mean() == pytest.approx(0, abs=1e-3)
    assert field.std() == pytest.approx(1, abs=1e-3)
    for lines in (field, field.T):
        assert np.abs(lines[0] - lines[-1]).mean() < 1.2 * np.abs(np.diff(lines, axis=0)).mean(axis=1).max()
    np.testing.assert_array_equal(lookup_noise(5, [0, SIDE], [0], name)[0], lookup_noise(5, [0, SIDE], [0], name)[1])
