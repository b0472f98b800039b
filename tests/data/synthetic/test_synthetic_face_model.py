"""Modes of identity and expression, and the surface that follows the points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landmark_discovery.data.synthetic.face_model import face_model, mirror_order
from landmark_discovery.data.synthetic.pose import place_camera

MODEL = face_model()
SKEWED = {"skewed_nose", "skewed_mouth", "skewed_brows"}
SYMMETRIC = sorted(set(MODEL.identity_modes) - SKEWED)


def landmarks_of(identity=None, expression=None):
    return MODEL.landmarks(MODEL.surface(identity or {}, expression or {}))


def test_no_weights_give_the_mean():
    np.testing.assert_allclose(landmarks_of(), MODEL.controls[:68], atol=1e-9)


def test_mirroring_twice_is_no_change():
    order = mirror_order()
    assert order[order].tolist() == list(range(68))


@pytest.mark.parametrize(
    ("right", "left"), [(0, 16), (8, 8), (17, 26), (31, 35), (36, 45), (41, 46), (48, 54), (67, 65)]
)
def test_mirrored_points_are_paired(right, left):
    assert mirror_order()[right] == left
    assert mirror_order()[left] == right


@pytest.mark.parametrize("name", SYMMETRIC)
def test_identities_are_mirror_symmetric(name):
    points = landmarks_of({name: 1.5})
    np.testing.assert_allclose(points[mirror_order()] * [-1, 1, 1], points, atol=1e-6)


@pytest.mark.parametrize("name", sorted(MODEL.expression_modes))
def test_expressions_are_mirror_symmetric(name):
    points = landmarks_of(expression={name: 0.7})
    np.testing.assert_allclose(points[mirror_order()] * [-1, 1, 1], points, atol=1e-6)


@pytest.mark.parametrize("name", sorted(SKEWED))
def test_skewed_modes_are_not(name):
    points = landmarks_of({name: 1.5})
    assert np.abs(points[mirror_order()] * [-1, 1, 1] - points).max() > 0.05


@given(weights=st.lists(st.floats(-2, 2), min_size=len(SYMMETRIC), max_size=len(SYMMETRIC)))
@settings(max_examples=20, deadline=None)
def test_a_face_seen_straight_on_is_a_mirror_image_of_itself(weights):
    points = landmarks_of(dict(zip(SYMMETRIC, weights, strict=True)), {"close_mouth": 1.0})
    camera = place_camera(points, np.zeros(3), 0.5, np.zeros(2), 100)
    flat = camera.project(points)[:, :2]
    mirrored = flat[mirror_order()]
    mirrored[:, 0] = 99 - mirrored[:, 0]
    np.testing.assert_allclose(mirrored, flat, atol=1e-4)


@pytest.mark.parametrize(("kind", "name"), [("identity_modes", "nose_forward"), ("expression_modes", "open_mouth")])
def test_the_surface_follows_the_points_of_a_mode(kind, name):
    mode = getattr(MODEL, kind)[name]
    weights = {name: 1.0}
    moved = landmarks_of(weights) if kind == "identity_modes" else landmarks_of(expression=weights)
    # Between two vertices the surface is straight, so that it misses the points by a little.
    np.testing.assert_allclose(moved - MODEL.controls[:68], mode[:68], atol=0.35)
    assert np.abs(moved - MODEL.controls[:68] - mode[:68]).mean() < 0.05


def test_the_skull_stays_when_the_mouth_opens():
    moved = MODEL.surface({}, {"open_mouth": 1.0}) - MODEL.surface({}, {})
    crown = MODEL.template.height < -5
    assert np.abs(moved[crown]).max() < 0.1


def gap(points):
    return points[66, 1] - points[62, 1]


def test_closed_lips_meet():
    assert 0 < gap(landmarks_of(expression={"close_mouth": 1.0})) < 0.25


def test_an_open_mouth_is_open():
    assert gap(landmarks_of(expression={"close_mouth": 1.0, "open_mouth": 1.0})) > 1.5


def test_a_smile_widens_the_mouth_and_lifts_its_corners():
    straight, smiling = landmarks_of(), landmarks_of(expression={"smile": 1.0})
    assert smiling[54, 0] - smiling[48, 0] > straight[54, 0] - straight[48, 0] + 0.8
    assert (smiling[[48, 54], 1] < straight[[48, 54], 1] - 0.3).all()


def test_closing_the_eyes_brings_the_lids_together():
    def opening(points):
        return points[[41, 40, 47, 46], 1] - points[[37, 38, 43, 44], 1]

    assert (opening(landmarks_of(expression={"close_eyes": 1.0})) < 0.3 * opening(landmarks_of())).all()


@pytest.mark.parametrize("name", sorted(MODEL.identity_modes))
def test_every_mode_changes_the_head(name):
    assert np.abs(MODEL.identity_modes[name]).max() > 0.04
