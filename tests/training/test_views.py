import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.training.randomness import Randomness
from landmark_discovery.training.views import mirrored_views, plain_views, random_views, sample_views, turned_views

STILL = AugmentationSettings(scale=(1.0, 1.0), translation=(0.0, 0.0), rotation_degrees=(0.0, 0.0))


def rectangle(*corners):
    return torch.tensor([corners], dtype=torch.float32)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def randomness(seed=0):
    return Randomness(generator(seed))


def image_with_dot(x, y, width=40, height=30):
    """A soft dot: its centre of mass survives resampling."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2.0**2)).expand(1, 3, height, width)


def centre_of_mass(view):
    weights = view[0, 0]
    rows, columns = torch.meshgrid(torch.arange(weights.shape[0]), torch.arange(weights.shape[1]), indexing="ij")
    return torch.tensor([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


def test_a_crop_of_ten_pixels_shown_at_twenty_doubles_distances_around_pixel_edges():
    geometry = plain_views(rectangle(5, 0, 15, 10), 20)
    points = torch.tensor([[[5.0, 0.0], [14.0, 9.0]]])
    assert geometry.to_view(points).tolist() == [[[0.5, 0.5], [18.5, 18.5]]]


def test_an_unchanged_view_of_the_whole_image_is_the_image():
    image = torch.rand(1, 3, 8, 8)
    view = sample_views(image, torch.tensor([[8.0, 8.0]]), plain_views(rectangle(0, 0, 8, 8), 8))
    torch.testing.assert_close(view, image)


def test_mirroring_turns_the_view_and_its_points_round():
    image = torch.rand(1, 3, 8, 8)
    geometry = mirrored_views(plain_views(rectangle(0, 0, 8, 8), 8), torch.tensor([True]))
    torch.testing.assert_close(sample_views(image, torch.tensor([[8.0, 8.0]]), geometry), image.flip(3))
    assert geometry.to_view(torch.tensor([[[0.0, 3.0]]])).tolist() == [[[7.0, 3.0]]]


def test_turning_goes_clockwise_about_the_centre_of_the_view():
    plain = plain_views(rectangle(0, 0, 9, 9), 9)
    quarter = turned_views(plain, 90, 1.0)
    torch.testing.assert_close(
        quarter.to_view(torch.tensor([[[8.0, 4.0], [4.0, 4.0]]])), torch.tensor([[[4.0, 8.0], [4.0, 4.0]]])
    )


def test_scaling_makes_the_object_larger_about_the_centre_of_the_view():
    double = turned_views(plain_views(rectangle(0, 0, 9, 9), 9), 0, 2.0)
    torch.testing.assert_close(double.to_view(torch.tensor([[[5.0, 3.0]]])), torch.tensor([[[6.0, 2.0]]]))


def test_turning_by_nothing_gives_the_same_views():
    plain = plain_views(rectangle(0, 0, 9, 9), 9)
    assert turned_views(plain, 0, 1) is plain


def test_mirroring_twice_changes_nothing():
    plain = random_views(
        rectangle(2, 3, 30, 25), torch.tensor([[40.0, 30.0]]), 16, AugmentationSettings(), randomness()
    )
    flags = torch.tensor([True])
    twice = mirrored_views(mirrored_views(plain, flags), flags)
    torch.testing.assert_close(twice.matrix, plain.matrix)
    torch.testing.assert_close(twice.shift, plain.shift)


@given(st.integers(0, 1000))
def test_to_the_view_and_back_is_identity(seed):
    geometry = random_views(
        rectangle(2, 3, 30, 25), torch.tensor([[40.0, 30.0]]), 64, AugmentationSettings(), randomness(seed)
    )
    points = torch.rand(1, 5, 2, generator=generator(seed + 1)) * 40
    torch.testing.assert_close(geometry.to_store(geometry.to_view(points)), points, atol=1e-3, rtol=1e-4)


@given(st.integers(0, 1000))
def test_all_pixels_of_a_view_map_as_points_do(seed):
    geometry = random_views(
        rectangle(2, 3, 30, 25), torch.tensor([[40.0, 30.0]]), 6, AugmentationSettings(), randomness(seed)
    )
    grid = torch.tensor([[[x, y] for y in range(6) for x in range(6)]], dtype=torch.float32)
    expected = geometry.to_store(grid).view(1, 6, 6, 2)
    torch.testing.assert_close(torch.stack(geometry.pixels_in_store(), dim=-1), expected)


class NoMatrixProduct(TorchDispatchMode):
    """Refuse what a GPU may compute with rounded factors (TF32)."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert function.overloadpacket.__name__ not in {"mm", "bmm", "mv", "addmm", "baddbmm"}
        return function(*args, **(kwargs or {}))


def test_points_and_pixels_are_mapped_without_rounding_their_factors():
    size = torch.tensor([[40.0, 30.0]])
    with NoMatrixProduct():
        geometry = random_views(rectangle(2, 3, 30, 25), size, 16, AugmentationSettings(), randomness())
        turned = turned_views(mirrored_views(geometry, torch.tensor([True])), 12.0, 0.9)
        sample_views(torch.rand(1, 3, 30, 40), size, turned)
        turned.to_store(turned.to_view(torch.rand(1, 5, 2)))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mirrored", [False, True])
def test_points_move_exactly_with_pixels(seed, mirrored):
    size = torch.tensor([[40.0, 30.0]])
    geometry = random_views(rectangle(4, 2, 36, 28), size, 64, AugmentationSettings(), randomness(seed))
    geometry = mirrored_views(geometry, torch.tensor([mirrored]))
    view = sample_views(image_with_dot(20.0, 15.0), size, geometry)
    expected = geometry.to_view(torch.tensor([[[20.0, 15.0]]]))[0, 0]
    assert (expected > 8).all()
    assert (expected < 56).all()
    torch.testing.assert_close(centre_of_mass(view), expected, atol=0.1, rtol=0)


def test_rotation_turns_about_the_centre_of_the_image_not_of_the_crop():
    quarter = STILL.model_copy(update={"rotation_degrees": (90.0, 90.0)})
    geometry = random_views(rectangle(0, 0, 20, 10), torch.tensor([[41.0, 31.0]]), 10, quarter, randomness())
    centre = plain_views(rectangle(0, 0, 20, 10), 10).to_view(torch.tensor([[[20.0, 15.0]]]))
    torch.testing.assert_close(geometry.to_view(torch.tensor([[[20.0, 15.0]]])), centre)


def test_width_and_height_are_scaled_before_the_image_turns():
    upright, turned = (
        random_views(
            rectangle(0, 0, 9, 9),
            torch.tensor([[9.0, 9.0]]),
            9,
            STILL.model_copy(update={"scale": (0.8, 1.2), "rotation_degrees": (angle, angle)}),
            randomness(),
        )
        for angle in (0.0, 90.0)
    )
    right_to_down = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
    torch.testing.assert_close(turned.matrix, right_to_down @ upright.matrix)


def test_scale_and_translation_stay_in_their_ranges():
    settings = STILL.model_copy(update={"scale": (0.8, 1.2), "translation": (-0.05, 0.05)})
    crops = rectangle(0, 0, 100, 50).expand(500, 4)
    size = torch.tensor([[100.0, 50.0]]).expand(500, 2)
    geometry = random_views(crops, size, 100, settings, randomness())
    horizontal, vertical = geometry.matrix[:, 0, 0], geometry.matrix[:, 1, 1] / 2
    for factor in (horizontal, vertical):
        assert 0.8 <= factor.min() < 0.82
        assert 1.18 < factor.max() <= 1.2
    moved = geometry.to_view(((size - 1) / 2)[:, None])[:, 0] - torch.tensor([49.5, 49.5])
    assert 4.5 < moved[:, 0].abs().max() <= 5.001
    assert 4.5 < moved[:, 1].abs().max() <= 5.001


def test_what_lies_outside_the_stored_image_is_black_even_where_the_store_is_wider():
    stored = torch.ones(1, 3, 20, 20)
    view = sample_views(stored, torch.tensor([[10.0, 20.0]]), plain_views(rectangle(0, 0, 20, 20), 20))
    assert view[..., :10].min() == 1
    assert view[..., 10:].max() == 0


def test_a_missing_point_stays_missing_and_spoils_no_other():
    geometry = plain_views(rectangle(0, 0, 10, 10), 10)
    moved = geometry.to_view(torch.tensor([[[math.nan, math.nan], [3.0, 4.0]]]))
    assert moved[0, 0].isnan().all()
    assert moved[0, 1].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("size", [16, 64])
def test_an_image_is_seen_to_its_edge(size):
    white = torch.full((1, 3, 40, 40), 255.0)
    view = sample_views(white, torch.tensor([[40.0, 40.0]]), plain_views(rectangle(0, 0, 40, 40), size))
    torch.testing.assert_close(view, torch.full_like(view, 255))
