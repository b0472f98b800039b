"""Hair, beards, glasses and shoulders are where they belong."""

import dataclasses

import numpy as np
import pytest

from landmark_discovery.data.synthetic.appearance import Beard, Glasses, sample_person, sample_scene
from landmark_discovery.data.synthetic.chart import closed_curve, skin_chart
from landmark_discovery.data.synthetic.eyewear import draw_glasses
from landmark_discovery.data.synthetic.face_model import face_model
from landmark_discovery.data.synthetic.outfit import bun, hair_thickness, hanging_hair, shoulders
from landmark_discovery.data.synthetic.pose import place_camera
from landmark_discovery.data.synthetic.template import at_places, head_template

TEMPLATE = head_template()
FOREHEAD_TO_CROWN = TEMPLATE.height < -9.5
FRONT = np.abs(TEMPLATE.azimuth) < np.radians(60)


SHAVEN = Beard(0.0, 0.0, 0.0)


def person(seed=0, kind="short", beard=SHAVEN, **style):
    drawn = sample_person(np.random.default_rng(seed))
    plain = {"kind": kind, "top": 1.0, "side": 0.6, "hairline": 0.0, "recede": 0.0, "fringe": 0.0, "part": 0.0}
    changed = dataclasses.replace(drawn.style, **{**plain, "curl": 0.0, "length": 0.0, **style})
    return dataclasses.replace(drawn, style=changed, beard=beard)


def at_landmarks(thickness):
    return at_places(thickness[..., None], TEMPLATE.places)[:, 0]


def test_short_hair_covers_the_crown_and_leaves_the_face_free():
    thickness = hair_thickness(person())
    assert (thickness[FOREHEAD_TO_CROWN] > 0.5).all()
    assert (at_landmarks(thickness)[2:] == 0).all()


def test_a_bald_head_has_none_on_top():
    thickness = hair_thickness(person(kind="bald", top=0.0, side=0.2))
    assert (thickness[FOREHEAD_TO_CROWN] == 0).all()
    assert thickness.max() > 0


def test_a_fringe_comes_down_the_forehead():
    rows = (TEMPLATE.height > -5.5) & (TEMPLATE.height < -4.5)
    assert hair_thickness(person())[np.ix_(rows, FRONT)].mean() < 0.05
    assert hair_thickness(person(fringe=2.5))[np.ix_(rows, FRONT)].mean() > 0.12


def test_a_parting_makes_the_sides_differ():
    thickness = hair_thickness(person(part=0.5))
    assert np.abs(thickness - thickness[:, ::-1]).max() > 0.2


def test_a_beard_covers_the_chin_and_not_the_lips():
    thickness = at_landmarks(hair_thickness(person(beard=Beard(0.4, 0.3, 0.8))))
    assert thickness[8] > 0.3
    assert thickness[[5, 11]].min() > 0.2
    assert thickness[48:].max() < 0.1


@pytest.mark.parametrize("seed", range(8))
def test_no_hair_grows_from_eyes_or_nose(seed):
    everyone = sample_person(np.random.default_rng(seed))
    thickness = at_landmarks(hair_thickness(everyone))
    # Hair thinner than this isn't drawn.
    assert thickness[27:48].max() < 0.05


def test_long_hair_hangs_as_far_as_it_is_long():
    hair = hanging_hair(person(kind="long", length=12.0))
    assert hair[..., 1].max() == pytest.approx(12.0, abs=2.0)
    # The front stays open.
    assert (np.abs(hair[..., 0][hair[..., 2] > 2.5]) > 4).all()


def test_a_bun_sits_on_the_back_of_the_crown():
    middle = bun(person(kind="bun")).mean(axis=(0, 1))
    assert middle[1] < -9
    assert middle[2] < -2


def test_shoulders_stay_below_the_head_and_turn_less():
    straight, turned = shoulders(np.zeros(3)), shoulders(np.array([45.0, 0.0, 0.0]))
    assert np.ptp(straight[..., 0]) > 30
    # In head coordinates a body that stays behind turns the other way.
    assert turned[-1, turned.shape[1] // 2, 0] < straight[-1, straight.shape[1] // 2, 0] - 3


def test_masks_lie_where_their_points_are():
    chart = skin_chart()

    def mask(name, *indices):
        middle = TEMPLATE.places[list(indices)].mean(axis=0)
        rows, columns = middle[:1].astype(np.float32), middle[1:].astype(np.float32)
        return float(chart.read(rows, columns)[name][0])

    assert mask("eyes", 36, 39, 37, 38, 40, 41) == 1
    assert mask("eyes", 27) == 0
    assert mask("mouth", 62, 66) == 1
    assert mask("lips", 51, 62) == 1
    assert mask("lips", 62, 66) == 0
    assert mask("brow", 19) < 0.2
    assert mask("brow", 30) == 1
    assert mask("beard", 8) == 1
    assert mask("beard", 28) == 0


def test_a_rounded_outline_passes_through_its_points_and_keeps_its_corners_sharp():
    square = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    rounded = closed_curve(square, (), steps=8)
    np.testing.assert_allclose(rounded[::8], square)
    assert rounded[4, 1] < -0.1
    sharp = closed_curve(square, (0, 1, 2, 3), steps=8)
    np.testing.assert_allclose(sharp[:8, 1], 0, atol=1e-12)


def test_glasses_frame_the_eyes_and_touch_nothing_else():
    model = face_model()
    landmarks = model.landmarks(model.surface({}, {"close_mouth": 1.0}))
    camera = place_camera(landmarks, np.zeros(3), 0.6, np.zeros(2), 200)
    picture, depth = np.full((200, 200, 3), 0.5, np.float32), np.zeros((200, 200), np.float32)
    glasses = Glasses(2.5, 1.8, 0.2, 2.0, np.zeros(3, np.float32), 0.0)
    scene = sample_scene(np.random.default_rng(0))
    worn = draw_glasses(picture, depth, glasses, scene, landmarks, camera)
    points = np.rint(camera.project(landmarks)[:, :2]).astype(int)
    changed = np.abs(worn - picture).max(axis=2) > 0.1
    assert changed.any()
    for index in (30, 33, 48, 54, 8, 37, 41):
        assert not changed[points[index, 1], points[index, 0]]
    rim_x = points[36:42, 0].mean().astype(int)
    assert changed[points[37, 1] - 25 : points[41, 1] + 25, rim_x].any()
    assert (picture == 0.5).all()
