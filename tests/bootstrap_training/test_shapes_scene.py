import numpy as np
import pytest

from landmark_discovery.bootstrap_training.shapes.scene import OVERSAMPLING, Area, draw_until, paint, stroke


def painted(outline, level=200.0, size=40, background=0.0):
    canvas = np.full((size * OVERSAMPLING, size * OVERSAMPLING), background, np.float32)
    return paint(canvas, (Area(np.asarray(outline, np.float64), level),))


def rectangle(left, top, right, bottom):
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def test_whole_numbers_are_pixel_centres():
    # From the edge between pixels 9 and 10 to the one between 19 and 20: ten pixels in full, and none beside them.
    row = painted(rectangle(9.5, 4.5, 19.5, 14.5))[10] / 200
    np.testing.assert_allclose(row[10:20], 1)
    np.testing.assert_allclose(row[[8, 21]], 0)
    # What OpenCV draws beyond the outline is a quarter of a pixel at most.
    assert row[9] <= 0.25
    assert row[20] <= 0.25


@pytest.mark.parametrize("corner", [(10.0, 12.0), (10.5, 12.25), (10.3, 11.8)])
def test_a_corner_lies_where_it_is_said_to_within_a_fifth_of_a_pixel(corner):
    image = painted(rectangle(*corner, corner[0] + 15, corner[1] + 18)) / 200
    # A row through the middle holds as much as the rectangle is wide, to the left and right of its centre alike.
    row, column = image[round(corner[1]) + 9], image[:, round(corner[0]) + 7]
    for profile, start, length in ((row, corner[0], 15), (column, corner[1], 18)):
        middle = (profile * np.arange(40)).sum() / profile.sum()
        first_edge = middle - profile.sum() / 2
        assert middle == pytest.approx(start + length / 2, abs=0.15)
        assert first_edge == pytest.approx(start, abs=0.2)


def test_an_edge_through_pixel_centres_covers_half_of_them():
    image = painted(rectangle(10, 10, 30, 30)) / 200
    assert image[20, 10] == pytest.approx(0.5, abs=0.25)
    assert image[20, 9] == 0
    assert image[20, 11] == 1


def test_later_areas_lie_over_earlier_ones():
    canvas = np.full((80, 80), 50, np.float32)
    below = Area(np.array(rectangle(2.0, 2.0, 12.0, 12.0)), 100.0)
    above = Area(np.array(rectangle(7.0, 7.0, 17.0, 17.0)), 150.0)
    image = paint(canvas, (below, above))
    assert [image[4, 4], image[10, 10], image[15, 15], image[15, 4]] == [100, 150, 150, 50]
    assert np.all(canvas == 50)


def test_an_area_may_lie_partly_outside_the_image():
    image = painted(rectangle(-300.0, -20.0, 5.0, 500.0))
    assert np.all(image[:, :5] == 200)
    assert np.all(image[:, 7:] == 0)


def test_a_stroke_has_its_width_and_ends_flat_at_its_ends():
    outline = stroke(np.array([3.0, 5.0]), np.array([9.0, 5.0]), 2.0)
    assert sorted(map(tuple, outline.tolist())) == [(3.0, 4.0), (3.0, 6.0), (9.0, 4.0), (9.0, 6.0)]
    slanted = stroke(np.array([0.0, 0.0]), np.array([3.0, 4.0]), 5.0)
    np.testing.assert_allclose(slanted[:2].mean(axis=0) - slanted[2:].mean(axis=0), [-4, 3])


def test_what_is_not_accepted_is_drawn_again():
    numbers = iter([3, 5, 8, 9])
    assert draw_until(lambda: next(numbers), lambda number: number % 2 == 0) == 8
