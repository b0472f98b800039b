import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.config.data import DatasetSettings
from landmark_discovery.data.cutting import CutRule, cut_window, filled_up, plan_cuts, rectangle_in_store

NO_BOX = [np.nan] * 4
SIZE = np.array([[200, 100]])


def plan(box, *, crop_rule="margin", crop_margin=0.0, context=None, max_crop_px=None, size=SIZE):
    return plan_cuts(np.array([box], dtype=np.float64), size, CutRule(crop_rule, crop_margin, context, max_crop_px))


def test_an_image_without_a_box_is_its_own_box_and_crop():
    cuts = plan(NO_BOX, crop_margin=0.5, context=0.25)
    assert cuts.box.tolist() == cuts.crop.tolist() == cuts.window.tolist() == [[0, 0, 200, 100]]
    assert cuts.stored_size.tolist() == [[200, 100]]


def test_a_box_is_padded_by_a_share_of_its_longer_side():
    assert plan([60, 40, 100, 60], crop_margin=0.25).crop.tolist() == [[50, 30, 110, 70]]


def test_the_method_pads_by_a_formula_of_its_own():
    # 0.25 * ((1.2 * 100 - 60) + (2 * 60 - 40)) = 35, of which 8 % are 2.8, rounded down.
    assert plan([60, 40, 100, 60], crop_rule="paper").crop.tolist() == [[58, 38, 102, 62]]


def test_context_is_kept_around_the_crop_and_ends_with_the_image():
    cuts = plan([0, 40, 40, 60], context=0.5)
    assert cuts.crop.tolist() == [[0, 40, 40, 60]]
    assert cuts.window.tolist() == [[0, 30, 60, 70]]


def test_a_window_shrinks_as_its_crop_does():
    cuts = plan([0, 40, 40, 60], context=0.5, max_crop_px=20)
    assert cuts.stored_size.tolist() == [[30, 20]]
    assert cuts.crop_in_store.tolist() == [[0, 5, 20, 15]]


def test_boxes_without_a_pixel_are_named():
    sizes = np.tile(SIZE, (3, 1))
    boxes = np.array([[10, 10, 20, 20], [300, 10, 320, 20], [50, 30, 50.4, 40]], dtype=np.float64)
    assert plan_cuts(boxes, sizes, CutRule("margin", 0.0, None, None)).empty.tolist() == [1, 2]


def test_a_window_is_cut_and_averaged():
    image = np.arange(8, dtype=np.uint8).repeat(3).reshape(2, 4, 3) * 10
    whole = cut_window(image, np.array([1, 0, 3, 2]), np.array([2, 2]))
    assert whole[..., 0].tolist() == [[10, 20], [50, 60]]
    assert cut_window(image, np.array([1, 0, 3, 2]), np.array([1, 1])).tolist() == [[[35, 35, 35]]]


def test_a_cut_is_no_view_of_the_image():
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    cut_window(image, np.array([0, 0, 2, 2]), np.array([2, 2]))[:] = 1
    assert not image.any()


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 9), st.integers(1, 9))
def test_a_crop_that_is_the_window_fills_what_is_stored(width, height, stored_width, stored_height):
    window = np.array([[3, 5, 3 + width, 5 + height]])
    size = np.array([[stored_width, stored_height]])
    np.testing.assert_allclose(rectangle_in_store(window, window, size), [[0, 0, stored_width, stored_height]])


def test_a_rule_survives_being_written_down():
    rule = CutRule.of(DatasetSettings(crop_rule="margin", crop_margin=0.3, context=0.5, max_crop_px=64))
    assert CutRule.from_facts(vars(rule)) == rule


@pytest.mark.parametrize("change", [{"crop_rule": "none"}, {"context": "wide"}, {"max_crop_px": 3}])
def test_values_that_no_rule_has_are_refused(change):
    facts = {"crop_rule": "paper", "crop_margin": 0.1, "context": None, "max_crop_px": None, **change}
    with pytest.raises(ValueError, match=next(iter(change))):
        CutRule.from_facts(facts)


def test_a_cut_in_a_larger_array_goes_on_with_its_last_row_and_column():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    filled = filled_up(pixels, 4, 3)
    assert filled[..., 0].tolist() == [[0, 3, 3, 3], [6, 9, 9, 9], [6, 9, 9, 9]]
    assert filled_up(pixels, 2, 2) is pixels
