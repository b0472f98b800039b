import numpy as np
import pytest

from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.keypoint_evaluation.conditions import (
    CONDITIONS,
    image_pairs,
    lit_otherwise,
    rotated_and_scaled,
    seen_through_homography,
)
from landmark_discovery.keypoint_evaluation.homographies import lie_inside, map_points

SETTINGS = KeypointEvaluationSettings(pairs_per_image=3)


def dots(*places, size=(48, 64)):
    """Draw soft dots, each of its own brightness."""
    y, x = np.mgrid[: size[0], : size[1]]
    image = np.zeros(size)
    for number, (column, row) in enumerate(places):
        image = np.maximum(image, (250 - 30 * number) * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 18))
    return image.round().astype(np.uint8)


def brightest(image):
    row, column = np.unravel_index(image.argmax(), image.shape)
    return column, row


def test_the_centre_stays_and_the_rest_turns_and_shrinks():
    pair = rotated_and_scaled(dots((31.5, 23.5)), degrees=90, scale=0.5)
    assert pair.size_px == (64, 48)
    np.testing.assert_allclose(map_points([[31.5, 23.5], [41.5, 23.5]], pair.homography), [[31.5, 23.5], [31.5, 28.5]])


@pytest.mark.parametrize("place", [(20, 15), (45, 30), (32, 8)])
def test_the_second_image_shows_things_where_the_homography_says(place):
    grey = dots(place)
    pairs = [rotated_and_scaled(grey), seen_through_homography(grey, np.random.default_rng(1))]
    for pair in pairs:
        expected = map_points([place], pair.homography)
        assert lie_inside(expected, pair.size_px).all()
        assert np.abs(brightest(pair.second) - expected[0]).max() <= 1
        np.testing.assert_array_equal(pair.first, grey)


def test_another_light_moves_nothing_and_changes_most_pixels():
    grey = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    pair = lit_otherwise(grey, np.random.default_rng(0))
    np.testing.assert_array_equal(pair.homography, np.eye(3))
    assert pair.second.dtype == np.uint8
    assert np.mean(pair.second != grey) > 0.5
    assert np.corrcoef(pair.second.ravel(), grey.ravel())[0, 1] > 0.9


def test_gamma_is_drawn_from_both_sides_of_1():
    # Each grey is twice the one before, so that their distances grow 2 ** gamma times, whatever gain and offset.
    grey = np.repeat(np.uint8([[32], [64], [128]]), 1000, axis=1)
    lit = [lit_otherwise(grey, np.random.default_rng(seed)).second for seed in range(40)]
    levels = [image.mean(axis=1) for image in lit if image.min() > 0 and image.max() < 255]
    gammas = [np.log2((high - middle) / (middle - low)) for low, middle, high in levels]
    assert (min(gammas), max(gammas)) == pytest.approx((0.67, 1.5), abs=0.1)


def test_noise_has_its_deviation():
    # Grey 0 and an offset above 0 leave offset and noise alone.
    black = np.zeros((200, 200), np.uint8)
    lit = [lit_otherwise(black, np.random.default_rng(seed)).second for seed in range(8)]
    clear = [image for image in lit if image.min() > 0]
    assert clear
    for image in clear:
        assert image.std() == pytest.approx(5, rel=0.05)


def test_each_condition_has_its_number_of_pairs():
    grey = dots((20, 20))
    counts = {condition: len(list(image_pairs(grey, condition, SETTINGS, 0))) for condition in CONDITIONS}
    assert counts == {"rotation": 1, "homography": 3, "light": 3}


@pytest.mark.parametrize("condition", ["homography", "light"])
def test_pairs_depend_on_seed_and_image_and_on_nothing_else(condition):
    grey = np.random.default_rng(0).integers(0, 256, (48, 64), dtype=np.uint8)

    def seconds(settings, number):
        return [pair.second for pair in image_pairs(grey, condition, settings, number)]

    first = seconds(SETTINGS, 4)
    np.testing.assert_array_equal(first, seconds(SETTINGS, 4))
    # More pairs leave the first ones as they are.
    more = seconds(SETTINGS.model_copy(update={"pairs_per_image": 5}), 4)
    np.testing.assert_array_equal(first, more[:3])
    different = [seconds(SETTINGS, 5), seconds(SETTINGS.model_copy(update={"seed": 1}), 4)]
    for others in [*different, [first[1], first[2], first[0]]]:
        assert not any(np.array_equal(one, other) for one, other in zip(first, others, strict=True))
