import numpy as np

from landmark_discovery.reporting.colors import landmark_colors
from landmark_discovery.reporting.galleries import (
    PATCH_PX,
    cluster_galleries,
    gallery_overview,
    spread_over_scores,
)
from landmark_discovery.reporting.grids import draw_landmarks, landmark_grid, landmark_key
from landmark_discovery.reporting.keypoint_pictures import KEPT, OUTLIER, keypoint_grid

NAN = (np.nan, np.nan)


def crops(count, size=48):
    return np.full((count, size, size, 3), 128, dtype=np.uint8)


def has_color(picture, color):
    return bool((picture == np.asarray(color)).all(axis=-1).any())


def test_each_landmark_is_drawn_in_its_colour_where_it_is():
    landmarks = np.array([[[10.0, 20.0], [30.0, 40.0]]])
    grid = landmark_grid(crops(1), landmarks, tile_px=96)
    colors = landmark_colors(2)
    # Twice as large: (10 + 0.5) * 2 - 0.5 = 20.5, and the tile starts 6 pixels from the corner.
    assert grid[6 + 41, 6 + 21].tolist() == colors[0].tolist()
    assert grid[6 + 81, 6 + 61].tolist() == colors[1].tolist()


def test_a_missing_landmark_is_left_out_of_the_image_and_zero_in_the_key():
    picture = draw_landmarks(crops(1)[0], np.array([NAN, (20.0, 20.0)]), numbered=True)
    colors = landmark_colors(2)
    assert not has_color(picture, colors[0])
    assert has_color(picture, colors[1])


def test_the_crops_themselves_stay_as_they_were():
    images = crops(2)
    landmark_grid(images, np.full((2, 1, 2), 24.0), tile_px=48)
    assert (images == 128).all()


def test_a_grid_has_as_many_columns_as_asked_and_a_title_makes_it_higher():
    landmarks = np.full((5, 1, 2), np.nan)
    plain = landmark_grid(crops(5), landmarks, columns=3, tile_px=48)
    assert plain.shape[1] == 3 * 48 + 4 * 6
    titled = landmark_grid(crops(5), landmarks, columns=3, tile_px=48, title="Round 1")
    assert titled.shape[0] == plain.shape[0] + 30
    np.testing.assert_array_equal(titled[30:], plain)


def test_more_than_ten_landmarks_are_numbered():
    landmarks = np.full((1, 11, 2), np.nan)
    landmarks[0, 3] = 24
    automatic = landmark_grid(crops(1), landmarks, tile_px=96)
    np.testing.assert_array_equal(automatic, landmark_grid(crops(1), landmarks, tile_px=96, numbered=True))
    assert (automatic != landmark_grid(crops(1), landmarks, tile_px=96, numbered=False)).any()


def test_the_key_takes_as_many_lines_as_it_needs():
    found = np.linspace(0, 1, 10)
    assert landmark_key(found, 1200).shape[1] == 1200
    assert landmark_key(found, 300).shape[0] > landmark_key(found, 1200).shape[0]


def test_scores_are_spread_from_best_to_worst_over_images_that_have_the_landmark():
    scores = np.array([0.1, 0.9, 0.5, 0.7, 0.3, 1.0])
    found = np.array([True, True, True, True, True, False])
    assert spread_over_scores(scores, found, 3).tolist() == [1, 2, 0]
    assert spread_over_scores(scores, found, 9).tolist() == [1, 3, 2, 4, 0]


def test_unknown_scores_come_last_and_equal_ones_in_order():
    scores = np.array([np.nan, 0.5, 0.5])
    assert spread_over_scores(scores, np.ones(3, dtype=bool), 3).tolist() == [1, 2, 0]


def test_every_landmark_gets_a_gallery_even_one_that_was_never_found():
    patches = [crops(7, 20), crops(0, 20)]
    full, empty = cluster_galleries(patches, np.array([1.0, 0.0]), columns=3)
    assert full.shape == (40 + 3 * (PATCH_PX + 6) + 6, 3 * (PATCH_PX + 6) + 6, 3)
    assert empty.shape[0] == 40
    assert has_color(full, landmark_colors(2)[0])
    assert has_color(empty, landmark_colors(2)[1])


def test_the_overview_has_a_row_for_each_landmark():
    two = gallery_overview([crops(9, 20), crops(0, 20)], np.array([1.0, 0.0]))
    three = gallery_overview([crops(9, 20), crops(0, 20), crops(1, 20)], np.array([1.0, 0.0, 0.5]))
    assert three.shape[0] - two.shape[0] == (two.shape[0] - 30) // 2
    assert has_color(three, landmark_colors(3)[2])


def test_kept_keypoints_and_outliers_differ_in_colour():
    points = [np.array([[10.0, 10.0], [30.0, 30.0]]), np.empty((0, 2))]
    kept = [np.array([True, False]), np.empty(0, dtype=bool)]
    grid = keypoint_grid(crops(2), points, kept, tile_px=192)
    assert grid[6 + 42, 6 + 42].tolist() == list(KEPT)
    assert grid[6 + 122, 6 + 122].tolist() == list(OUTLIER)
    assert (grid[6:198, 204:396] == 128).all()
