import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.homographies import (
    draw_homographies,
    seen_pixels,
    warp_images,
    warp_points,
)
from landmark_discovery.config.bootstrap_training import HomographySettings

DEFAULT = HomographySettings()
STILL = HomographySettings(rotation_degrees=0, scale=(1, 1), stretch=0, perspective=0, translation=0)


def drawn(settings=DEFAULT, count=8, size_px=40, view_px=24, seed=0):
    return draw_homographies(count, size_px, view_px, settings, torch.Generator().manual_seed(seed))


def test_without_any_change_a_view_shows_the_middle_of_the_image():
    maps = drawn(STILL)
    image = torch.arange(1600.0).view(1, 1, 40, 40).expand(8, -1, -1, -1)
    torch.testing.assert_close(warp_images(image, maps, 24), image[:, :, 8:32, 8:32], atol=0.01, rtol=0)


def test_a_point_of_the_image_is_where_the_view_shows_it():
    image = torch.zeros(4, 1, 64, 64)
    image[:, :, 30:33, 36:39] = 1.0  # centre (37, 31)
    maps = drawn(HomographySettings(rotation_degrees=40, scale=(1.0, 1.5)), count=4, size_px=64, view_px=64)
    views = warp_images(image, maps, 64)[:, 0]
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    mass = views.sum(dim=(1, 2))
    centre = torch.stack([(views * columns).sum(dim=(1, 2)) / mass, (views * rows).sum(dim=(1, 2)) / mass], dim=1)
    expected = warp_points(torch.tensor([[[37.0, 31.0]]]).expand(4, -1, -1), maps)[:, 0]
    torch.testing.assert_close(centre, expected, atol=0.15, rtol=0)


def test_a_quarter_turn_takes_right_to_down():
    turn = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    assert warp_points(torch.tensor([[[3.0, 0.0]]]), turn).tolist() == [[[0.0, 3.0]]]


def test_a_missing_point_stays_missing():
    assert warp_points(torch.full((8, 1, 2), torch.nan), drawn()).isnan().all()


@given(seed=st.integers(0, 1000))
def test_the_inverse_brings_every_point_back(seed):
    maps = drawn(seed=seed)
    points = torch.rand(8, 5, 2, generator=torch.Generator().manual_seed(seed)) * 39
    back = warp_points(warp_points(points, maps), torch.linalg.inv(maps))
    torch.testing.assert_close(back, points, atol=1e-2, rtol=0)


@given(seed=st.integers(0, 1000))
def test_no_horizon_crosses_an_image(seed):
    maps = drawn(HomographySettings(perspective=0.499), size_px=40, seed=seed)
    corners = torch.tensor([[0.0, 0.0, 1.0], [39.0, 0.0, 1.0], [0.0, 39.0, 1.0], [39.0, 39.0, 1.0]])
    assert ((corners @ maps.transpose(1, 2))[..., 2] > 0).all()


def test_rotation_and_scale_stay_in_their_ranges():
    settings = STILL.model_copy(update={"rotation_degrees": 20.0, "scale": (0.5, 2.0)})
    linear = drawn(settings, count=200)[:, :2, :2]
    scale = torch.linalg.det(linear).sqrt()
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0]) * 180 / math.pi
    assert 0.5 <= scale.min() < 0.6
    assert 1.7 < scale.max() <= 2.0
    assert 15 < angle.abs().max() <= 20.001


def test_width_and_height_differ_by_up_to_the_stretch():
    maps = drawn(STILL.model_copy(update={"stretch": 0.2}), count=200)
    width, height = maps[:, 0, 0], maps[:, 1, 1]
    torch.testing.assert_close(width * height, torch.ones(200))
    assert 1 / 1.2001 <= (width / height).min() < 1 / 1.15
    assert 1.15 < (width / height).max() <= 1.2001


def test_size_changes_by_up_to_the_perspective_from_the_centre_to_an_edge():
    maps = drawn(STILL.model_copy(update={"perspective": 0.3}), count=200)
    right, below = torch.tensor([39.5, 19.5, 1.0]), torch.tensor([19.5, 39.5, 1.0])
    for edge in (right, below):
        change = maps[:, 2] @ edge - 1
        assert -0.3001 <= change.min() < -0.27
        assert 0.27 < change.max() <= 0.3001


def test_seen_pixels_are_those_that_show_the_image():
    half_out = torch.tensor([[[1.0, 0.0, 10.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])  # 10 px to the right
    seen = seen_pixels(half_out, size_px=20, view_px=20)
    assert not seen[0, :, :10].any()
    assert seen[0, :, 10:].all()
    margin = seen_pixels(half_out, size_px=20, view_px=20, margin_px=2)
    assert margin[0].sum() == 8 * 16


@pytest.mark.parametrize("count", [1, 3])
def test_the_same_seed_draws_the_same(count):
    torch.testing.assert_close(drawn(count=count), drawn(count=count), rtol=0, atol=0)
    assert not torch.equal(drawn(count=count), drawn(count=count, seed=1))
