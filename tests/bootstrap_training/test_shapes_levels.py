import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.levels import (
    BACKGROUND_SPAN,
    LEAST_CONTRAST,
    MOST_LEVELS,
    contrasting_levels,
    draw_background,
    draw_noise,
    finish,
)

SEED = st.integers(0, 2**32)


@given(SEED, st.floats(0, 255 - BACKGROUND_SPAN), st.floats(0, BACKGROUND_SPAN))
def test_there_is_always_room_for_five_levels_beside_a_background(seed, low, span):
    background = np.array([[low, low + span]], np.float32)
    levels = contrasting_levels(np.random.default_rng(seed), background, MOST_LEVELS)
    assert np.all((levels >= 0) & (levels <= 255))
    assert np.all(np.diff(np.sort(levels)) >= LEAST_CONTRAST)
    assert np.all((levels <= low - LEAST_CONTRAST + 1e-3) | (levels >= low + span + LEAST_CONTRAST - 1e-3))


@given(SEED)
def test_a_background_is_smooth_and_of_few_levels(seed):
    background = draw_background(np.random.default_rng(seed), 96)
    assert background.shape == (96, 96)
    assert background.min() >= 0
    assert background.max() <= 255
    assert np.ptp(background) <= BACKGROUND_SPAN + 1e-3
    for axis in (0, 1):
        # Five knots over 96 pixels: from one to the next in 19 pixels, most steeply half as much again.
        assert np.abs(np.diff(background, axis=axis)).max() < 2 * np.ptp(background) / 19 + 1e-3


def test_noise_has_no_place_that_differs_from_the_others():
    for seed in range(20):
        noise = draw_noise(np.random.default_rng(seed), 64)
        assert noise.shape == (64, 64)
        assert noise.min() >= 0
        assert noise.max() <= 255
        assert noise.std() > 5
        quarters = [part.mean() for half in np.split(noise, 2) for part in np.split(half, 2, axis=1)]
        assert np.ptp(quarters) < noise.std()


@given(SEED)
def test_a_finished_image_keeps_light_and_dark_apart(seed):
    image = np.zeros((32, 32), np.float32)
    image[:, 16:] = 255
    finished = finish(np.random.default_rng(seed), image)
    assert finished.dtype == np.uint8
    # At least 128 levels, of which uneven light leaves four fifths.
    assert np.all(finished[:, 26:].astype(int) - finished[:, 5:6] >= 102 - 1)


def test_finishing_moves_nothing():
    image = np.zeros((33, 33), np.float32)
    image[16, 16] = 255
    for seed in range(20):
        finished = finish(np.random.default_rng(seed), image).astype(float)
        assert np.unravel_index(finished.argmax(), finished.shape) == (16, 16)
        spot = finished[12:21, 12:21] - finished[0, 0]
        assert (spot.sum(axis=0) * np.arange(9)).sum() / spot.sum() == pytest.approx(4, abs=0.1)
