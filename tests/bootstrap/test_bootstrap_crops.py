import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap.crops import choose_keypoints, cut_crop, spread_points
from landmark_discovery.config.data import BootstrapSettings


def test_the_strongest_go_first_and_keep_their_distance():
    points = np.array([[0.0, 0.0], [3.0, 0.0], [5.0, 0.0], [20.0, 0.0]])
    scores = np.array([1.0, 3.0, 2.0, 2.0])
    assert spread_points(points, scores, min_distance_px=3.0, max_points=10).tolist() == [1, 3, 0]
    assert spread_points(points, scores, min_distance_px=3.0, max_points=2).tolist() == [1, 3]
    assert spread_points(points, scores, min_distance_px=0.0, max_points=10).tolist() == [1, 2, 3, 0]


def test_a_crop_of_the_whole_image_at_its_size_is_the_image():
    grey = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    np.testing.assert_array_equal(
        cut_crop(np.repeat(grey[..., None], 3, axis=2), np.array([0.0, 0.0, 16.0, 16.0]), 16), grey
    )


def test_a_crop_at_half_its_size_averages_squares_of_pixels():
    grey = np.zeros((8, 8), np.uint8)
    grey[2:4, 4:6] = [[40, 80], [120, 160]]
    crop = cut_crop(np.repeat(grey[..., None], 3, axis=2), np.array([2.0, 2.0, 6.0, 6.0]), 2)
    assert crop.tolist() == [[0, 100], [0, 0]]


CROP = np.array([10.0, 20.0, 26.0, 36.0])


def choose(points, scores, box=CROP, **settings):
    given = BootstrapSettings(**{"min_distance": 0.0, **settings})
    # The crop has half the size of its rectangle.
    chosen = choose_keypoints(np.array(points, float), np.array(scores, float), CROP, np.array(box, float), given, 8)
    return [part.tolist() for part in chosen]


def test_chosen_points_come_back_in_image_pixels_the_strongest_first():
    # The centre of crop pixel 0 lies between the image's pixels 0 and 1 of the rectangle.
    assert choose([(0, 0), (7, 3)], [1, 2]) == [[[24.5, 26.5], [10.5, 20.5]], [1, 0]]


def test_a_stronger_point_outside_the_box_drives_none_away():
    inside = [20, 20, 36, 36]
    assert choose([(4, 4), (5, 4)], [2, 1], min_distance=0.5) == [[[18.5, 28.5]], [0]]
    assert choose([(4, 4), (5, 4)], [2, 1], box=inside, min_distance=0.5) == [[[20.5, 28.5]], [1]]


def test_the_distance_is_a_share_of_the_crop():
    # 3 of its 8 pixels.
    points = [(0, 0), (2, 0), (3, 0)]
    assert choose(points, [3, 2, 1], min_distance=3 / 8)[1] == [0, 2]
    assert choose(points, [3, 2, 1], min_distance=3 / 8, max_keypoints=1)[1] == [0]


@given(
    points=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=12),
    min_distance_px=st.sampled_from((0.0, 1.0, 2.5)),
)
def test_every_point_is_chosen_or_near_a_chosen_one_that_is_no_weaker(points, min_distance_px):
    places = np.array([point[:2] for point in points], dtype=np.float64).reshape(-1, 2)
    scores = np.array([point[2] for point in points], dtype=np.float64)
    chosen = spread_points(places, scores, min_distance_px, max_points=99).tolist()
    assert scores[chosen].tolist() == sorted(scores[chosen], reverse=True)
    for index, place in enumerate(places):
        near = [one for one in chosen if np.linalg.norm(places[one] - place) < min_distance_px]
        if index in chosen:
            assert near == ([index] if min_distance_px else [])
        else:
            assert max(scores[near]) >= scores[index]
