import numpy as np
import pytest

from landmark_discovery.reporting.colors import landmark_colors, landmark_marker, perceived


def least_perceived_distance(colors):
    places = perceived(colors)
    return min(
        np.linalg.norm(places[vision, first] - places[vision, second])
        for vision in range(len(places))
        for first in range(len(colors))
        for second in range(first)
    )


def test_the_first_colours_are_okabe_and_itos():
    assert landmark_colors(2).tolist() == [[230, 159, 0], [86, 180, 233]]
    assert landmark_colors(2).dtype == np.uint8


def test_a_landmark_keeps_its_colour_whatever_the_number_of_landmarks():
    np.testing.assert_array_equal(landmark_colors(30)[:10], landmark_colors(10))
    np.testing.assert_array_equal(landmark_colors(130)[:30], landmark_colors(30))


@pytest.mark.parametrize(("count", "least"), [(10, 17), (30, 9)])
def test_colour_blind_eyes_tell_all_colours_apart(count, least):
    assert least_perceived_distance(landmark_colors(count)) >= least


def test_red_and_green_of_equal_lightness_look_alike_to_green_blind_eyes_only():
    places = perceived(np.array([[170, 110, 0], [110, 135, 0]], dtype=np.uint8))
    normal, _, green_blind = np.linalg.norm(places[:, 0] - places[:, 1], axis=-1)
    assert normal > 40
    assert green_blind < 15


def test_shapes_change_after_every_ten_landmarks():
    assert [landmark_marker(landmark) for landmark in (0, 9, 10, 20, 39, 40)] == [
        "disc",
        "disc",
        "square",
        "diamond",
        "triangle",
        "disc",
    ]


def test_no_landmark_has_no_colour():
    assert landmark_colors(0).shape == (0, 3)
