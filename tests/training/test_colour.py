import colorsys

import pytest
import torch

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.training.colour import Draw, blur, change_colours, multiply_hue_and_saturation

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


def generator():
    return torch.Generator().manual_seed(3)


def per_image(*values):
    return torch.tensor(values).view(-1, 1, 1, 1)


def test_with_everything_off_images_stay_as_they_are():
    images = torch.rand(3, 3, 8, 8) * 255
    torch.testing.assert_close(change_colours(images, OFF, generator()), images)


def test_the_same_generator_state_gives_the_same_change():
    images = torch.rand(3, 3, 8, 8) * 255
    first = change_colours(images, AugmentationSettings(), generator())
    assert torch.equal(first, change_colours(images, AugmentationSettings(), generator()))


def test_contrast_acts_around_127():
    changed = change_colours(grey(227), with_settings(contrast=(0.5, 0.5)), generator())
    assert changed.unique().tolist() == [177.0]


def test_brightness_multiplies_all_channels_alike_or_each_by_its_own_factor():
    alike = change_colours(grey(100), with_settings(brightness=(0.5, 1.5)), generator())
    assert torch.equal(alike[:, 0], alike[:, 2])
    apart = change_colours(
        grey(100), with_settings(brightness=(0.5, 1.5), brightness_per_channel_probability=1.0), generator()
    )
    assert (apart[:, 0, 0, 0] - apart[:, 2, 0, 0]).abs().min() > 0


def test_noise_has_the_asked_for_deviation_and_is_grey_or_coloured():
    images = torch.full((2, 3, 200, 200), 127.0)
    common = with_settings(noise_probability=1.0, noise_deviation=(0.04, 0.04), noise_per_channel_probability=0.0)
    noise = change_colours(images, common, generator()) - 127
    assert noise.std().item() == pytest.approx(0.04 * 255, rel=0.02)
    assert torch.equal(noise[:, 0], noise[:, 1])
    coloured = common.model_copy(update={"noise_per_channel_probability": 1.0})
    noise = change_colours(images, coloured, generator()) - 127
    assert abs(torch.corrcoef(noise[0, :2].flatten(1))[0, 1].item()) < 0.02


def test_values_stay_between_0_and_255():
    images = torch.cat([grey(0), grey(255)])
    changed = change_colours(images, AugmentationSettings(), generator())
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_a_probability_is_the_share_of_images_that_change():
    draws = Draw(20_000, generator(), torch.device("cpu")).chance(0.3)
    assert draws.float().mean().item() == pytest.approx(0.3, abs=0.01)


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
    change_colours(images, AugmentationSettings(), generator())
    assert torch.equal(images, before)
