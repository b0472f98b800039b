"""From grids to pixels: coverage, hiding, sides and holes."""

import numpy as np
import pytest

from landmark_discovery.data.synthetic.rasteriser import Sheet, _nearest, rasterise


def flat_sheet(left, top, width, height, depth, *, rows=3, columns=3, mirrored=False):
    """Lay a level rectangle of so many pixels into the picture."""
    across = np.linspace(left - 0.5, left + width - 0.5, columns)
    if mirrored:
        across = across[::-1]
    x, y = np.meshgrid(across, np.linspace(top - 0.5, top + height - 0.5, rows))
    return np.stack([x, y, np.full_like(x, depth)], axis=-1)


def covered(fragments, height=12, width=10):
    picture = np.zeros(height * width, dtype=bool)
    picture[fragments.pixels] = True
    return picture.reshape(height, width)


def rectangle(left, top, width, height):
    picture = np.zeros((12, 10), dtype=bool)
    picture[top : top + height, left : left + width] = True
    return picture


def test_a_rectangle_covers_its_pixels_and_no_others():
    (fragments,), depth = rasterise([Sheet(flat_sheet(2, 3, 5, 6, 7.0))], 12, 10, 1.0)
    np.testing.assert_array_equal(covered(fragments), rectangle(2, 3, 5, 6))
    np.testing.assert_array_equal(depth == 7.0, rectangle(2, 3, 5, 6))
    assert np.isneginf(depth[0, 0])


def test_fragments_know_their_place_on_the_grid():
    (fragments,), _ = rasterise([Sheet(flat_sheet(2, 3, 5, 6, 0.0))], 12, 10, 1.0)
    rows, columns = fragments.pixels // 10, fragments.pixels % 10
    # Six pixels down are two steps of the grid; each sample lies less than a pixel from where its pixel's middle is.
    np.testing.assert_allclose(fragments.rows, (rows - 2.5) / 3, atol=1 / 3)
    np.testing.assert_allclose(fragments.columns, (columns - 1.5) / 2.5, atol=1 / 2.5)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_sheet_hides_the_other(order):
    sheets = [Sheet(flat_sheet(0, 0, 6, 6, 0.0)), Sheet(flat_sheet(3, 3, 6, 6, 5.0))]
    fragments, depth = rasterise([sheets[k] for k in order], 12, 10, 1.0)
    near, far = fragments[order.index(1)], fragments[order.index(0)]
    np.testing.assert_array_equal(covered(near), rectangle(3, 3, 6, 6))
    np.testing.assert_array_equal(covered(far), rectangle(0, 0, 6, 6) & ~rectangle(3, 3, 6, 6))
    assert depth[4, 4] == 5.0


def test_of_two_sheets_about_as_near_the_later_is_seen():
    sheets = [Sheet(flat_sheet(0, 0, 4, 4, 0.5)), Sheet(flat_sheet(0, 0, 4, 4, 0.0))]
    (first, second), _ = rasterise(sheets, 12, 10, 1.0)
    assert len(first.pixels) == 0
    assert len(second.pixels) == 16


def test_the_back_of_a_sheet_is_drawn_only_where_asked_for():
    back = flat_sheet(2, 3, 5, 6, 0.0, mirrored=True)
    (hidden,), _ = rasterise([Sheet(back)], 12, 10, 1.0)
    (shown,), _ = rasterise([Sheet(back, two_sided=True)], 12, 10, 1.0)
    assert len(hidden.pixels) == 0
    np.testing.assert_array_equal(covered(shown), rectangle(2, 3, 5, 6))


def test_absent_parts_are_left_out():
    sheet = flat_sheet(0, 0, 8, 8, 0.0, rows=3, columns=3)
    present = np.array([[-1.0, 0.0, 1.0]] * 3)
    (fragments,), _ = rasterise([Sheet(sheet, present=present)], 12, 10, 1.0)
    np.testing.assert_array_equal(covered(fragments), rectangle(4, 0, 4, 8))


def test_what_lies_outside_the_picture_is_left_out():
    (fragments,), _ = rasterise([Sheet(flat_sheet(-5, -4, 100, 100, 0.0))], 12, 10, 1.0)
    assert covered(fragments).all()


def test_an_empty_sheet_draws_nothing():
    sheet = Sheet(flat_sheet(0, 0, 4, 4, 0.0), present=np.full((3, 3), -1.0))
    (fragments,), depth = rasterise([sheet], 12, 10, 1.0)
    assert len(fragments.pixels) == 0
    assert np.isneginf(depth).all()


@pytest.mark.parametrize("angle", [0.0, 0.4, 0.785, 1.3])
def test_a_turned_rectangle_has_no_holes(angle):
    square = flat_sheet(-3, -3, 6, 6, 0.0, rows=2, columns=2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    square[..., :2] = square[..., :2] @ turn.T + [5, 6]
    (fragments,), _ = rasterise([Sheet(square)], 12, 10, 1.0)
    picture = covered(fragments)
    for row in picture:
        seen = np.flatnonzero(row)
        assert len(seen) == 0 or seen[-1] - seen[0] + 1 == len(seen)


def test_the_nearest_sample_is_found_as_by_a_plain_loop():
    generator = np.random.default_rng(3)
    pixel, depth = generator.integers(0, 40, 500), generator.permutation(500).astype(np.float32)
    best = {}
    for index in range(500):
        here = int(pixel[index])
        if here not in best or depth[index] > depth[best[here]]:
            best[here] = index
    expected = [best.get(here, -1) for here in range(40)]
    assert _nearest(pixel, depth, 40, 0.5).tolist() == expected
