import numpy as np
import pytest
import torch

from landmark_discovery.errors import UserError
from landmark_discovery.training.coordinates import grid_to_image, image_to_store, positions_in_store
from landmark_discovery.training.images import stored_images
from landmark_discovery.training.keypoints import from_grid
from landmark_discovery.training.views import plain_views

CROPS = [(10, 20, 42, 84), (4, 0, 36, 32)]
WINDOWS = [(6, 10, 56, 90), (0, 0, 40, 40)]


@pytest.fixture
def store(build_store):
    """Two originals; the window of the first, 50 x 80 pixels, is stored at half its size."""
    originals = [np.zeros((100, 60, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)]
    store = build_store(originals, CROPS, WINDOWS)
    store.samples.loc[0, ["stored_width", "stored_height"]] = [25, 40]
    return store


def test_a_cell_lies_at_the_centre_of_the_original_pixels_it_covers(store):
    # 16 cells over a crop of 32 x 64 pixels: the first cell covers pixels 10, 11 and 20 to 23.
    points = grid_to_image(store, np.array([0]), [[[0.0, 0.0], [15.0, 1.0]]], size_px=64)
    assert points.tolist() == [[[10.5, 21.5], [40.5, 25.5]]]


def test_each_image_has_its_own_crop_and_missing_points_stay_missing(store):
    points = grid_to_image(store, np.array([1, 0]), [[[0.0, 0.0]], [[np.nan, np.nan]]], size_px=32)
    assert points[0].tolist() == [[5.5, 1.5]]
    assert np.isnan(points[1]).all()


def test_original_pixels_map_to_the_shrunk_window(store):
    # Pixels 6 and 7 of the original become the first stored column, whose centre is 0.
    points = image_to_store(store, np.array([0]), [[[6.5, 10.5], [55.5, 89.5]]])
    assert points.tolist() == [[[0.0, 0.0], [24.5, 39.5]]]


def test_stored_pixels_of_an_unshrunk_window_are_its_own(store):
    assert image_to_store(store, np.array([1]), [[[3.0, 7.0]]]).tolist() == [[[3.0, 7.0]]]


def test_both_ways_from_the_grid_to_the_stored_pixels_meet(store):
    images, indices = stored_images(store, torch.device("cpu")), np.array([0, 1])
    points = np.random.default_rng(0).uniform(-1, 8, (2, 20, 2))
    through_original = image_to_store(store, indices, grid_to_image(store, indices, points, size_px=32))
    direct = plain_views(images.crops, 32).to_store(from_grid(torch.from_numpy(points).float()))
    np.testing.assert_allclose(through_original, direct.numpy(), atol=1e-3)


def test_images_are_found_by_name_in_the_order_asked_for(store):
    names = store.names[[1, 0, 1]]
    assert positions_in_store(store, names, "test").tolist() == [1, 0, 1]


def test_an_image_that_is_not_in_the_store_is_an_error_that_names_it(store):
    with pytest.raises(UserError, match=r"pseudo-ground-truth: 1 images aren't .* 'other.jpg' first"):
        positions_in_store(store, np.array([store.names[0], "other.jpg"]), "pseudo-ground-truth")
