import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landmark_discovery.geometry import (
    area_inside,
    crop_rectangle,
    crop_to_image,
    image_to_crop,
    margin_padding_px,
    mirror_points,
    paper_padding_px,
    resize_points,
    shrunk_size,
    widen_rectangle,
)

coordinates = st.floats(-500, 500)
points = arrays(np.float64, st.tuples(st.integers(1, 4), st.just(2)), elements=coordinates)
sizes = st.integers(1, 600)


@st.composite
def rectangles(draw):
    x_min, y_min = draw(st.integers(0, 300)), draw(st.integers(0, 300))
    return [x_min, y_min, x_min + draw(st.integers(1, 300)), y_min + draw(st.integers(1, 300))]


def test_resizing_keeps_pixel_edges_on_pixel_edges():
    # 4 pixels become 8: the outer edges -0.5 and 3.5 go to -0.5 and 7.5, the first centre to 0.5.
    assert resize_points([[-0.5, 3.5], [0, 1]], 4, 8).tolist() == [[-0.5, 7.5], [0.5, 2.5]]
    assert resize_points([1, 1], (4, 8), (8, 4)).tolist() == [2.5, 0.25]


def test_a_crop_by_hand():
    # A rectangle of 10 x 20 pixels from (30, 40), shown at 20 x 20.
    assert image_to_crop([[30, 40], [39, 59]], [30, 40, 40, 60], 20).tolist() == [[0.5, 0], [18.5, 19]]
    assert image_to_crop([[29.5, 39.5]], [30, 40, 40, 60], 20).tolist() == [[-0.5, -0.5]]


def test_one_rectangle_for_each_image():
    both = image_to_crop([[[1, 1]], [[11, 21]]], [[0, 0, 4, 4], [10, 20, 14, 24]], 4)

    assert both.tolist() == [[[1, 1]], [[1, 1]]]


def test_mirroring_by_hand():
    given_points = np.array([[0.0, 5.0], [63.0, 6.0]])

    assert mirror_points(given_points, 64).tolist() == [[63, 5], [0, 6]]
    assert given_points[0, 0] == 0


def test_absent_points_stay_absent():
    absent = np.full((1, 2), np.nan)
    for moved in (resize_points(absent, 4, 8), image_to_crop(absent, [0, 0, 4, 4], 8), mirror_points(absent, 4)):
        assert np.isnan(moved).all()


@given(points, rectangles(), sizes, sizes)
def test_to_the_crop_and_back_is_identity(given_points, rectangle, width, height):
    there = image_to_crop(given_points, rectangle, (width, height))

    np.testing.assert_allclose(crop_to_image(there, rectangle, (width, height)), given_points, atol=1e-6)


@given(points, sizes)
def test_mirroring_twice_is_identity(given_points, width):
    np.testing.assert_allclose(mirror_points(mirror_points(given_points, width), width), given_points, atol=1e-9)


@given(points, sizes, sizes)
def test_resizing_there_and_back_is_identity(given_points, small, large):
    np.testing.assert_allclose(
        resize_points(resize_points(given_points, small, large), large, small), given_points, atol=1e-6
    )


@given(points, sizes, sizes)
def test_mirroring_and_resizing_can_change_places(given_points, width, new_width):
    first_mirrored = resize_points(mirror_points(given_points, width), width, new_width)

    np.testing.assert_allclose(
        first_mirrored, mirror_points(resize_points(given_points, width, new_width), new_width), atol=1e-6
    )


@pytest.mark.parametrize(
    ("box", "padding"),
    [
        ((0, 0, 10, 10), 8),  # d = 0.25 * (12 + 20) = 8 < 20
        ((0, 0, 25, 25), 1),  # d = 0.25 * (30 + 50) = 20, 8 * 20 / 100 = 1.6
        ((40, 40, 60, 70), 2),  # d = 0.25 * (32 + 100) = 33, 8 * 33 / 100 = 2.64
        ((44.5, 52.65, 133.5, 161.01), 7),  # d = 0.25 * (115.7 + 269.37) = 96.27, 7.70
    ],
)
def test_the_papers_padding_by_hand(box, padding):
    assert paper_padding_px(box) == padding
    assert paper_padding_px([box, box]).tolist() == [padding, padding]


def test_padding_by_a_share_of_the_longer_side():
    assert margin_padding_px([[0, 0, 10, 20], [5, 5, 45, 10]], 0.1).tolist() == [2, 4]


def test_crops_are_padded_clipped_and_cut_to_whole_numbers():
    boxes = [[44.5, 52.65, 133.5, 161.01], [3, 3, 177, 217]]

    assert crop_rectangle(boxes, [178, 218], [7, 8]).tolist() == [[37, 45, 140, 168], [0, 0, 177, 217]]


def test_widening_by_hand():
    assert widen_rectangle([10, 10, 20, 15], (100, 100), 0.5).tolist() == [5, 7, 25, 18]
    assert widen_rectangle([10, 10, 20, 15], (22, 12), 0.5).tolist() == [5, 7, 22, 12]


@given(rectangles(), st.integers(1, 300), st.integers(1, 300), st.floats(0, 3))
def test_a_widened_rectangle_holds_the_old_one_and_lies_inside_the_image(rectangle, right, below, share):
    width, height = rectangle[2] + right, rectangle[3] + below
    x_min, y_min, x_max, y_max = widen_rectangle(rectangle, (width, height), share)

    assert 0 <= x_min <= rectangle[0] < rectangle[2] <= x_max <= width
    assert 0 <= y_min <= rectangle[1] < rectangle[3] <= y_max <= height


@given(st.lists(st.floats(-100, 700), min_size=4, max_size=4), sizes, sizes, st.integers(0, 50))
def test_a_crop_lies_inside_the_image(corners, width, height, padding):
    box = [min(corners[0], corners[2]), min(corners[1], corners[3]), max(corners[0::2]), max(corners[1::2])]
    assume(box[0] < width and box[1] < height and box[2] > 0 and box[3] > 0)
    x_min, y_min, x_max, y_max = crop_rectangle(box, (width, height), padding)

    assert min(x_min, y_min) >= 0
    assert x_max <= width - 1
    assert y_max <= height - 1


@pytest.mark.parametrize(
    ("window", "crop", "size"),
    [
        ([0, 0, 100, 80], [20, 20, 80, 60], [100, 80]),  # small enough
        ([0, 0, 1000, 800], [100, 100, 612, 356], [500, 400]),  # the crop is 512 wide: half of it
        ([0, 0, 3000, 1], [0, 0, 3000, 1], [256, 1]),  # never 0
    ],
)
def test_stored_sizes_by_hand(window, crop, size):
    assert shrunk_size(window, crop, 256).tolist() == size


@given(rectangles(), st.integers(0, 200), st.integers(0, 200), st.integers(32, 300))
def test_a_stored_crop_never_exceeds_the_limit_and_is_never_enlarged(crop, left, right, limit):
    window = [max(crop[0] - left, 0), crop[1], crop[2] + right, crop[3]]
    extent = np.array([window[2] - window[0], window[3] - window[1]])
    stored = shrunk_size(window, crop, limit)

    assert (stored <= extent).all()
    assert (stored >= 1).all()
    crop_extent = np.array([crop[2] - crop[0], crop[3] - crop[1]])
    assert (crop_extent * stored <= limit * extent).all()


def test_the_share_of_a_box_inside_its_image():
    boxes = [[0, 0, 10, 10], [-5, 0, 5, 10], [-5, -5, 5, 5], [20, 20, 30, 30], [np.nan] * 4]

    np.testing.assert_array_equal(area_inside(boxes, (10, 10)), [1, 0.5, 0.25, 0, np.nan])
