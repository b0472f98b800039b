import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.geometry import image_to_crop
from landmark_discovery.reporting.crops import (
    BACKGROUND,
    cut_from_store,
    cut_rectangle,
    spread,
    square_rectangles,
)


def ramp(height, width):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([10 * x, 10 * y, np.zeros_like(x)], axis=-1).astype(np.uint8)


def test_a_rectangle_at_its_own_size_is_the_pixels_themselves():
    image = ramp(8, 10)
    np.testing.assert_array_equal(cut_rectangle(image, (2, 3, 6, 7), 4), image[3:7, 2:6])


def test_shrinking_averages():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    image[:, ::2] = 200
    assert (cut_rectangle(image, (0, 0, 4, 4), 2) == 100).all()


def test_enlarging_interpolates_between_pixel_centres():
    image = ramp(1, 2).repeat(2, axis=0)
    assert cut_rectangle(image, (0, 0, 2, 2), 4)[0, :, 0].tolist() == [0, 2, 8, 10]


def test_what_lies_outside_the_image_is_grey():
    cut = cut_rectangle(np.zeros((2, 2, 3), dtype=np.uint8), (-1, 0, 3, 4), 4)
    assert (cut[:2, 1:3] == 0).all()
    assert (cut[:, [0, 3]] == BACKGROUND).all()
    assert (cut[2:] == BACKGROUND).all()


def test_crops_are_what_the_network_sees_whatever_the_size_of_the_stored_image(build_store):
    original = ramp(12, 20)
    store = build_store([original], crops=[(4, 2, 12, 10)], windows=[(2, 0, 16, 12)])
    np.testing.assert_array_equal(cut_from_store(store, [0], store.rectangle("crop"), 8)[0], original[2:10, 4:12])


def test_the_padding_of_smaller_stored_images_is_never_shown(build_store):
    small, large = ramp(4, 4) + 1, ramp(8, 8)
    store = build_store([small, large], crops=[(0, 0, 4, 4), (0, 0, 8, 8)])
    cut = cut_from_store(store, [0], np.array([[0.0, 0.0, 8.0, 8.0]]), 8)[0]
    assert (cut[4:] == BACKGROUND).all()
    assert (cut[:, 4:] == BACKGROUND).all()


def test_a_point_lands_where_the_geometry_says(build_store):
    original = np.zeros((40, 60, 3), dtype=np.uint8)
    original[18:23, 28:33] = 255
    store = build_store([original], crops=[(10, 5, 50, 35)])
    rectangle = store.rectangle("crop")
    crop = cut_from_store(store, [0], rectangle, 96)[0, ..., 0]
    rows, columns = np.nonzero(crop > 127)
    expected = image_to_crop(np.array([[30.0, 20.0]]), rectangle[0], 96)[0]
    assert (columns.mean(), rows.mean()) == pytest.approx(tuple(expected), abs=0.6)


def test_squares_keep_the_centre_and_hold_the_rectangle():
    assert square_rectangles(np.array([[0.0, 10.0, 4.0, 20.0]])).tolist() == [[-3.0, 10.0, 7.0, 20.0]]


def test_a_spread_takes_first_and_last_and_what_lies_evenly_between():
    assert spread([5, 6, 7, 8, 9], 3).tolist() == [5, 7, 9]
    assert spread([5, 6], 3).tolist() == [5, 6]
    assert spread([5, 6, 7], 1).tolist() == [5]


@given(st.integers(1, 200), st.integers(1, 50))
def test_a_spread_never_repeats(count, wanted):
    chosen = spread(np.arange(count), wanted)
    assert len(set(chosen.tolist())) == len(chosen) == min(count, wanted)
