from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.data.cutting import CutRule
from landmark_discovery.errors import UserError
from landmark_discovery.inference.shots import Box, Shot, array_size, cut_shot, plan_shot, stack_cuts
from landmark_discovery.training.prediction import TURNS
from landmark_discovery.training.views import plain_views, turned_views

RULE = CutRule("margin", 0.0, None, None)
EXACT = (10_000, 10_000)


def numbered(width, height):
    """An image whose red is the column, and whose green is the row."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[..., 0], image[..., 1] = np.arange(width), np.arange(height)[:, None]
    return image


def shot_of(image, *boxes):
    given = {"boxes": tuple(Box(box, f"boxes.csv, line {line}") for line, box in enumerate(boxes, start=2))}
    return Shot("a.png", image, **(given if boxes else {}))


def test_an_image_without_boxes_is_one_object():
    found = cut_shot(shot_of(numbered(40, 30)), RULE, EXACT)
    assert found.size == (40, 30)
    (cut,) = found.cuts
    assert cut.box.tolist() == cut.crop.tolist() == cut.crop_in_pixels.tolist() == [0, 0, 40, 30]
    assert np.array_equal(cut.pixels, numbered(40, 30))


def test_each_box_is_cut_as_a_data_set_is():
    rule = CutRule("margin", 0.5, 0.5, 20)
    found = cut_shot(shot_of(numbered(100, 80), (30, 30, 50, 40), (0, 0, 8, 8)), rule, EXACT)
    # Padded by half of 20: 40 x 30, with half of that around it 80 x 60, all halved for 20 instead of 40.
    first, second = found.cuts
    assert first.crop.tolist() == [20, 20, 60, 50]
    assert first.pixels.shape == (30, 40, 3)
    assert first.crop_in_pixels.tolist() == [10, 7.5, 30, 22.5]
    assert second.crop.tolist() == [0, 0, 12, 12]


def test_boxes_that_are_none_leave_no_cut():
    assert cut_shot(Shot("a.png", numbered(9, 9), ()), RULE, EXACT).cuts == []


def test_of_a_large_image_only_what_views_can_reach_is_kept():
    (cut,) = cut_shot(shot_of(numbered(200, 150), (100, 60, 120, 70)), RULE, (64, 64)).cuts
    # A quarter of 20 x 10 and two pixels, rounded up.
    assert cut.pixels.shape == (20, 34, 3)
    assert cut.crop_in_pixels.tolist() == [7, 5, 27, 15]
    assert cut.pixels[5, 7].tolist() == [100, 60, 0]


@given(
    x=st.integers(0, 180),
    y=st.integers(0, 130),
    width=st.integers(2, 90),
    height=st.integers(2, 90),
    turn=st.integers(0, 4),
)
def test_trimming_changes_no_view(x, y, width, height, turn):
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    shot = shot_of(image, (x, y, min(x + width, 199), min(y + height, 149)))
    whole, trimmed = (cut_shot(shot, RULE, frame).cuts for frame in (EXACT, (1, 1)))
    assert trimmed[0].pixels.size <= whole[0].pixels.size
    views = []
    for cuts in (whole, trimmed):
        images = stack_cuts(cuts, (1, 1), torch.device("cpu"))
        geometry = turned_views(plain_views(images.crops, 32), *TURNS[turn])
        views.append(images.views(torch.tensor([0]), geometry))
    torch.testing.assert_close(views[0], views[1], atol=2e-3, rtol=0)


def test_cuts_lie_in_arrays_of_the_pipelines_size_or_larger():
    cuts = cut_shot(
        shot_of(numbered(50, 40), (0, 0, 20, 10), (0, 0, 30, 35)), CutRule("margin", 0, 0.0, None), EXACT
    ).cuts
    assert array_size(cuts, (25, 60)) == (30, 60)
    images = stack_cuts(cuts, (25, 60), torch.device("cpu"))
    assert images.pixels.shape == (2, 60, 30, 3)
    assert images.stored_size.tolist() == [[20, 10], [30, 35]]
    assert images.crops.tolist() == [[0, 0, 20, 10], [0, 0, 30, 35]]
    assert (images.pixels[0, 10:, :20] == images.pixels[0, 9, :20]).all(), "the last row goes on"
    assert (images.pixels[0, :, 20:] == images.pixels[0, :, 19:20]).all(), "so does the last column"


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((60, 10, 70, 20), "the box 60, 10, 70, 20 of 'a.png' lies outside the image of 50 x 40 pixels"),
        ((-9, 10, 0, 20), "lies outside the image"),
        ((10.1, 10, 10.6, 20), "leaves no pixel to crop"),
    ],
)
def test_a_box_from_which_nothing_can_be_cut_is_refused_with_its_line(box, words):
    with pytest.raises(UserError) as caught:
        cut_shot(shot_of(numbered(50, 40), (0, 0, 9, 9), box), RULE, EXACT)
    assert str(caught.value).startswith("boxes.csv, line 3: ")
    assert words in str(caught.value)


def test_a_box_that_sticks_out_is_clipped():
    (cut,) = cut_shot(shot_of(numbered(50, 40), (40, 30, 90, 80)), RULE, EXACT).cuts
    assert cut.crop.tolist() == [40, 30, 49, 39]
    assert cut.box.tolist() == [40, 30, 90, 80]


def test_boxes_are_checked_without_the_image():
    plan_shot(shot_of(Path("not there"), (0, 0, 9, 9)), (50, 40), RULE)
    with pytest.raises(UserError, match="outside the image of 5 x 4 pixels"):
        plan_shot(shot_of(Path("not there"), (6, 0, 9, 9)), (5, 4), RULE)


def test_a_file_is_read_and_measured(make_images):
    shot = Shot("a.png", make_images(["a.png"]) / "a.png")
    assert shot.measure() == (48, 40)
    assert shot.read().shape == (40, 48, 3)
    assert shot.held_bytes == 0
    assert Shot("a", numbered(5, 4)).measure() == (5, 4)
    assert Shot("a", numbered(5, 4)).held_bytes == 60


@pytest.mark.parametrize("use", [Shot.read, Shot.measure])
def test_a_broken_file_is_named_with_what_to_do_here(tmp_path, use):
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(
        UserError,
        match=r"a\.jpg: not a JPEG.*.*, or leave it out \(on the command line: .--on-bad-image skip",
    ):
        use(Shot("a.jpg", tmp_path / "a.jpg"))
