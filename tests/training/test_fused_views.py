"""Views made by one kernel against the plain path: on a GPU the compiled kernel, elsewhere the interpreted one."""

import dataclasses
import itertools

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.training.colour import change_colours, draw_colour_change, no_colour_change
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.views import mirrored_views, plain_views, random_views, sample_views

pytest.importorskip("triton")
from landmark_discovery.training.fused_views import fused_views

# Every change, to every image, over wide ranges.
ALL = AugmentationSettings(
    blur_probability=1,
    noise_probability=1,
    noise_per_channel_probability=0.5,
    brightness=(0.5, 1.5),
    brightness_per_channel_probability=1,
    hue_saturation_probability=1,
)


def smooth_images(count, height, width, seed, device):
    coarse = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return (255 * fine).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().to(device)


def plain_path(pixels, size, geometry, change):
    changed = change_colours(pixels.permute(0, 3, 1, 2).float(), change)
    return sample_views(changed, size, geometry) / 255


def whole(count, width, height, device):
    return torch.tensor([[0.0, 0.0, width, height]], device=device).expand(count, 4)


def check(pixels, size, geometry, change):
    views, expected = fused_views(pixels, size, geometry, change), plain_path(pixels, size, geometry, change)
    assert views.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(views, expected, atol=5e-6, rtol=0)


# The same examples each time: a hue that rounds to the other side of red, or an edge, would differ by much. A failing
# one stays as large as it is, since an interpreted kernel takes minutes to make it smaller.
@settings(max_examples=5, derandomize=True, phases=[Phase.generate])
@given(st.integers(0, 2**31), st.integers(5, 23), st.integers(5, 23), st.integers(1, 16), st.booleans())
def test_views_equal_the_plain_path_for_any_geometry_and_change(kernel_device, seed, height, width, size_px, mirrored):
    pixels = smooth_images(2, height, width, seed, kernel_device)
    randomness = Randomness(generator_on(kernel_device, seed))
    stored_size = torch.floor(
        randomness.uniform(2, 2, low=0.6, high=1.0) * torch.tensor([width, height], device=kernel_device)
    )
    crops = whole(2, width, height, kernel_device) * 0.8 + 1
    geometry = random_views(crops, stored_size, size_px, AugmentationSettings(), randomness)
    geometry = mirrored_views(geometry, torch.tensor([mirrored, False], device=kernel_device))
    check(pixels, stored_size, geometry, draw_colour_change(2, ALL, randomness))


def changes(device):
    """Give each change alone, by name; the strongest of the method."""
    unchanged = no_colour_change(1, device)
    per_image = {
        "nothing": {},
        "blur": {"blur_sigma_px": [0.5]},
        "contrast": {"contrast": [1.3]},
        "grey_noise": {"noise_deviation": [12.75], "noise_seed": [2**31 - 1]},
        "coloured_noise": {"noise_deviation": [12.75], "noise_seed": [77], "noise_coloured": [True]},
        "brightness": {"brightness": [[0.9, 1.1, 1.0]]},
        "hue": {"hue": [1.5]},
        "saturation": {"saturation": [1.5]},
    }
    return {
        name: dataclasses.replace(
            unchanged, **{key: torch.tensor(value, device=device) for key, value in parts.items()}
        )
        for name, parts in per_image.items()
    }


@pytest.mark.parametrize(
    "name", ["nothing", "blur", "contrast", "grey_noise", "coloured_noise", "brightness", "hue", "saturation"]
)
def test_each_change_alone_equals_the_plain_path(name, kernel_device):
    pixels = smooth_images(1, 12, 16, 1, kernel_device)
    size = torch.tensor([[16.0, 12.0]], device=kernel_device)
    geometry = plain_views(whole(1, 16, 12, kernel_device), 15)
    change = changes(kernel_device)[name]
    check(pixels, size, geometry, change)
    if name != "nothing":
        unchanged = fused_views(pixels, size, geometry, changes(kernel_device)["nothing"])
        assert (fused_views(pixels, size, geometry, change) - unchanged).abs().max() > 0.01


def test_without_a_change_the_whole_image_at_its_own_size_is_the_image(kernel_device):
    pixels = smooth_images(1, 9, 9, 2, kernel_device)
    geometry = plain_views(whole(1, 9, 9, kernel_device), 9)
    views = fused_views(
        pixels, torch.tensor([[9.0, 9.0]], device=kernel_device), geometry, no_colour_change(1, kernel_device)
    )
    torch.testing.assert_close(views, pixels.permute(0, 3, 1, 2) / 255, atol=1e-6, rtol=0)


def test_grey_and_saturated_colours_change_hue_as_on_the_plain_path(kernel_device):
    levels = torch.tensor(list(itertools.product((0, 128, 255), repeat=3)), dtype=torch.uint8, device=kernel_device)
    pixels = levels.view(1, 3, 9, 3)
    change = dataclasses.replace(
        no_colour_change(1, kernel_device),
        hue=torch.tensor([0.7], device=kernel_device),
        saturation=torch.tensor([1.4], device=kernel_device),
    )
    size = torch.tensor([[9.0, 3.0]], device=kernel_device)
    check(pixels, size, plain_views(whole(1, 9, 9, kernel_device), 9), change)


def test_what_lies_outside_an_image_is_black_even_where_the_store_is_wider(kernel_device):
    pixels = torch.full((2, 8, 8, 3), 255, dtype=torch.uint8, device=kernel_device)
    size = torch.tensor([[4.0, 8.0], [8.0, 6.0]], device=kernel_device)
    views = fused_views(pixels, size, plain_views(whole(2, 8, 8, kernel_device), 8), no_colour_change(2, kernel_device))
    assert (views[0, 0, 0] * 255).tolist() == [255] * 4 + [0] * 4
    assert (views[1, 2, :, 0] * 255).tolist() == [255] * 6 + [0] * 2


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_points_move_exactly_with_pixels(seed, mirrored, kernel_device):
    """A soft dot: its centre of mass survives resampling."""
    lines, columns = torch.meshgrid(torch.arange(30), torch.arange(40), indexing="ij")
    dot = 255 * torch.exp(-((columns - 20.0) ** 2 + (lines - 15.0) ** 2) / (2 * 2.0**2))
    pixels = dot.round().to(torch.uint8)[None, :, :, None].expand(1, 30, 40, 3).contiguous().to(kernel_device)
    size = torch.tensor([[40.0, 30.0]], device=kernel_device)
    crop = torch.tensor([[4.0, 2.0, 36.0, 28.0]], device=kernel_device)
    randomness = Randomness(generator_on(kernel_device, seed))
    geometry = random_views(crop, size, 48, AugmentationSettings(), randomness)
    geometry = mirrored_views(geometry, torch.tensor([mirrored], device=kernel_device))
    view = fused_views(pixels, size, geometry, no_colour_change(1, kernel_device))[0, 0].cpu()
    expected = geometry.to_view(torch.tensor([[[20.0, 15.0]]], device=kernel_device))[0, 0].cpu()
    lines, columns = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    centre = torch.stack([(view * columns).sum(), (view * lines).sum()]) / view.sum()
    torch.testing.assert_close(centre, expected, atol=0.1, rtol=0)


def test_noise_has_the_mean_and_deviation_that_the_change_names(kernel_device):
    pixels = torch.full((1, 48, 48, 3), 127, dtype=torch.uint8, device=kernel_device)
    size = torch.tensor([[48.0, 48.0]], device=kernel_device)
    geometry = plain_views(whole(1, 48, 48, kernel_device), 48)
    noise = 255 * fused_views(pixels, size, geometry, changes(kernel_device)["coloured_noise"]) - 127
    # 6,912 numbers: the mean is known to 0.15, the deviation to 0.11.
    assert noise.mean().item() == pytest.approx(0, abs=0.6)
    assert noise.std().item() == pytest.approx(12.75, abs=0.5)
    correlation = torch.corrcoef(noise[0].flatten(1).cpu())
    torch.testing.assert_close(correlation, torch.eye(3), atol=0.08, rtol=0)


def test_stored_images_give_the_same_views_on_both_paths(stored, kernel_device):
    pixels, crops, size = (part.to(kernel_device) for part in (stored.pixels, stored.crops, stored.stored_size))
    indices = torch.tensor([3, 1], device=kernel_device)
    randomness = Randomness(generator_on(kernel_device, 5))
    geometry = random_views(crops[indices], size[indices], 16, AugmentationSettings(), randomness)
    change = draw_colour_change(2, ALL, randomness)
    for drawn in (None, change):
        fused, plain = (
            images.views_of(images.read(indices), indices, geometry, drawn)
            for images in (StoredImages(pixels, crops, size, fused) for fused in (True, False))
        )
        torch.testing.assert_close(fused, plain, atol=5e-6, rtol=0)
        assert fused.stride() == plain.stride()
