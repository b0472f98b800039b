import colorsys

import pytest
import torch

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.training.colour import (
    blur,
    change_colours,
    draw_colour_change,
    multiply_hue_and_saturation,
    no_colour_change,
)
from landmark_discovery.training.randomness import Randomness

OFF = AugmentationSettings(
    blur_probability=0,
    contrast=(1, 1),
    noise_probability=0,
    brightness=(1, 1),
    brightness_per_channel_probability=0,
    hue_saturation_probability=0,
)


def with_settings(**changes):
    return OFF.model_copy(update=changes)


def grey(level, count=4):
    return torch.full((count, 3, 8, 8), float(level))


def changed_by(images, settings):
    """Draw changes from a fixed seed and make them."""
    randomness = Randomness(torch.Generator().manual_seed(3))
    return change_colours(images, draw_colour_change(len(images), settings, randomness))


def per_image(*values):
    return torch.tensor(values)


def test_with_everything_off_images_stay_as_they_are():
    images = torch.rand(3, 3, 8, 8) * 255
    torch.testing.assert_close(changed_by(images, OFF), images)


def test_the_same_generator_state_gives_the_same_change():
    images = torch.rand(3, 3, 8, 8) * 255
    first = changed_by(images, AugmentationSettings())
    assert torch.equal(first, changed_by(images, AugmentationSettings()))


def test_contrast_acts_around_127():
    changed = changed_by(grey(227), with_settings(contrast=(0.5, 0.5)))
    assert changed.unique().tolist() == [177.0]


def test_brightness_multiplies_all_channels_alike_or_each_by_its_own_factor():
    alike = changed_by(grey(100), with_settings(brightness=(0.5, 1.5)))
    assert torch.equal(alike[:, 0], alike[:, 2])
    apart = changed_by(grey(100), with_settings(brightness=(0.5, 1.5), brightness_per_channel_probability=1.0))
    assert (apart[:, 0, 0, 0] - apart[:, 2, 0, 0]).abs().min() > 0


def test_noise_has_the_asked_for_deviation_and_is_grey_or_coloured():
    images = torch.full((2, 3, 200, 200), 127.0)
    common = with_settings(noise_probability=1.0, noise_deviation=(0.04, 0.04), noise_per_channel_probability=0.0)
    noise = changed_by(images, common) - 127
    assert noise.std().item() == pytest.approx(0.04 * 255, rel=0.02)
    assert torch.equal(noise[:, 0], noise[:, 1])
    coloured = common.model_copy(update={"noise_per_channel_probability": 1.0})
    noise = changed_by(images, coloured) - 127
    assert abs(torch.corrcoef(noise[0, :2].flatten(1))[0, 1].item()) < 0.02


def test_values_stay_between_0_and_255():
    images = torch.cat([grey(0), grey(255)])
    changed = changed_by(images, AugmentationSettings())
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_what_contrast_takes_beyond_white_is_white_before_it_darkens():
    changed = changed_by(grey(255), with_settings(contrast=(1.3, 1.3), brightness=(0.5, 0.5)))
    assert changed.unique().tolist() == [127.5]


def test_no_change_is_none():
    images = torch.rand(3, 3, 8, 8) * 255
    torch.testing.assert_close(change_colours(images, no_colour_change(3, images.device)), images)


@pytest.fixture(scope="module")
def drawn():
    """Give the paper's changes of 20,000 images."""
    return draw_colour_change(20_000, AugmentationSettings(), Randomness(torch.Generator().manual_seed(3)))


def share(chosen):
    return chosen.float().mean().item()


def test_probabilities_are_the_shares_of_images_that_change(drawn):
    assert share(drawn.blur_sigma_px > 0) == pytest.approx(0.3, abs=0.01)
    assert share(drawn.noise_deviation > 0) == pytest.approx(0.5, abs=0.01)
    assert share(drawn.noise_coloured) == pytest.approx(0.5, abs=0.01)
    assert share((drawn.brightness != drawn.brightness[:, :1]).any(dim=1)) == pytest.approx(0.2, abs=0.01)
    assert share(drawn.hue != 1) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(drawn.hue != 1, drawn.saturation != 1)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("blur_sigma_px", 0, 0.5),
        ("contrast", 0.85, 1.3),
        ("noise_deviation", 0, 0.05 * 255),
        ("brightness", 0.9, 1.1),
        ("hue", 0.5, 1.5),
        ("saturation", 0.5, 1.5),
    ],
)
def test_changes_are_uniform_in_the_papers_ranges(drawn, name, low, high):
    values = getattr(drawn, name)
    # Where there is no change, the value says so exactly; all others are drawn.
    unchanged = {"blur_sigma_px": 0, "noise_deviation": 0, "hue": 1, "saturation": 1}
    values = values[values != unchanged[name]] if name in unchanged else values
    assert low <= values.min()
    assert values.max() <= high
    quarters = torch.quantile((values - low) / (high - low), torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))
    torch.testing.assert_close(quarters, torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]), atol=0.02, rtol=0)


def test_choices_are_independent_of_one_another(drawn):
    chosen = [drawn.blur_sigma_px > 0, drawn.noise_deviation > 0, drawn.noise_coloured, drawn.hue != 1]
    correlation = torch.corrcoef(torch.stack(chosen).float())
    torch.testing.assert_close(correlation, torch.eye(len(chosen)), atol=0.03, rtol=0)


def test_each_image_has_noise_of_its_own(drawn):
    assert len(drawn.noise_seed.unique()) > 0.999 * len(drawn.noise_seed)
    assert 0 <= drawn.noise_seed.min() <= drawn.noise_seed.max() < 2**31


def test_blur_is_the_gaussian_of_its_sigma_and_keeps_the_sum():
    image = torch.zeros(2, 1, 9, 9)
    image[:, :, 4, 4] = 1.0
    blurred = blur(image, per_image(0.5, 0.0))
    ratio = torch.exp(torch.tensor(-0.5 / 0.5**2))
    assert (blurred[0, 0, 4, 5] / blurred[0, 0, 4, 4]).item() == pytest.approx(ratio.item())
    assert blurred[0].sum().item() == pytest.approx(1.0)
    torch.testing.assert_close(blurred[1], image[1])


@pytest.mark.parametrize("colour", [(200.0, 40.0, 90.0), (10.0, 250.0, 30.0), (5.0, 60.0, 240.0), (80.0, 80.0, 80.0)])
def test_hue_and_saturation_agree_with_the_standard_library(colour):
    hue_factor, saturation_factor = 0.7, 1.3
    image = torch.tensor(colour).view(1, 3, 1, 1)
    changed = multiply_hue_and_saturation(image, per_image(hue_factor), per_image(saturation_factor))
    hue, saturation, value = colorsys.rgb_to_hsv(*(level / 255 for level in colour))
    expected = colorsys.hsv_to_rgb(hue * hue_factor % 1, min(1.0, saturation * saturation_factor), value)
    torch.testing.assert_close(changed.flatten(), torch.tensor(expected) * 255, atol=1e-2, rtol=1e-4)


def test_factors_of_one_leave_the_image_as_it_is():
    image = torch.rand(1, 3, 4, 4) * 255
    torch.testing.assert_close(
        multiply_hue_and_saturation(image, per_image(1.0), per_image(1.0)), image, atol=1e-3, rtol=1e-5
    )


def test_the_images_given_are_not_changed_in_place():
    images = torch.rand(6, 3, 8, 8) * 255
    before = images.clone()
    changed_by(images, AugmentationSettings())
    assert torch.equal(images, before)
