import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from landmark_discovery.bootstrap_training.light import blur, change_light
from landmark_discovery.config.bootstrap_training import LightSettings

NONE = LightSettings(
    contrast=(1, 1), brightness=(0, 0), gamma=(1, 1), shade=(0, 0), noise_deviation=(0, 0), blur_sigma_px=(0, 0)
)
IMAGES = torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def changed(seed=0, **changes):
    settings = NONE.model_copy(update=changes)
    return change_light(IMAGES, settings, torch.Generator().manual_seed(seed))


def test_no_change_leaves_images_as_they_are():
    torch.testing.assert_close(changed(), IMAGES, atol=1e-6, rtol=0)


def test_brightness_is_added_and_cut_at_white():
    torch.testing.assert_close(changed(brightness=(0.3, 0.3)), (IMAGES + 0.3).clamp(max=1), atol=1e-6, rtol=0)


def test_contrast_is_a_factor_around_middle_grey():
    torch.testing.assert_close(changed(contrast=(0.5, 0.5)), 0.25 + IMAGES / 2, atol=1e-6, rtol=0)


def test_gamma_is_an_exponent():
    torch.testing.assert_close(changed(gamma=(2, 2)), IMAGES**2, atol=1e-6, rtol=0)


def test_a_shadow_only_darkens_and_falls_on_a_part():
    ratio = changed(shade=(0.5, 0.5)) / IMAGES
    assert (ratio <= 1 + 1e-6).all()
    assert (ratio.amin(dim=(1, 2, 3)) < 0.9).any()
    assert (ratio.amax(dim=(1, 2, 3)) > 0.9).any()


def test_noise_has_the_deviation_that_was_asked_for():
    grey = torch.full((20, 1, 32, 32), 0.5)
    noisy = change_light(grey, NONE.model_copy(update={"noise_deviation": (0.05, 0.05)}), torch.Generator())
    assert abs(float((noisy - grey).std()) - 0.05) < 0.001


def test_everything_at_once_stays_between_black_and_white():
    all_at_once = change_light(IMAGES, LightSettings(), torch.Generator().manual_seed(3))
    assert all_at_once.min() >= 0
    assert all_at_once.max() <= 1


def test_each_image_is_blurred_by_its_own_sigma():
    sigmas = torch.tensor([0.0, 0.4, 0.6, 0.8, 0.9, 1.0])
    for image, blurred, sigma in zip(IMAGES, blur(IMAGES, sigmas), sigmas.tolist(), strict=True):
        expected = gaussian_filter(image[0].double().numpy(), sigma, mode="nearest", radius=3) if sigma else image[0]
        np.testing.assert_allclose(blurred[0].numpy(), np.asarray(expected), atol=1e-5)
