import numpy as np
import pytest

from landmark_discovery.data.cutting import CutRule
from landmark_discovery.inference.detector import FoundObject
from landmark_discovery.inference.padding import PaddingWatch

PAPER, MARGIN = CutRule("paper", 0.1, None, None), CutRule("margin", 0.9, None, None)
SIZE = (4000, 3000)


def watched(rule, *boxes, size=SIZE):
    watch = PaddingWatch(rule)
    for number, box in enumerate(boxes):
        watch.look_at([FoundObject(f"{number}.jpg", np.array(box, float), np.zeros((1, 2)), np.zeros(1))], size)
    return watch.warning


@pytest.mark.parametrize("box", [(40, 60, 140, 180), (100, 100, 350, 350), (0, 0, 2000, 2000)])
def test_boxes_as_in_the_papers_data_sets_are_fine(box):
    assert watched(PAPER, box) is None


def test_a_small_box_far_from_the_corner_is_told_of():
    # 8 % of 0.25 * ((1.2 * 3100 - 3000) + (2 * 2100 - 2000)) = 58 pixels around 100.
    warning = watched(PAPER, (40, 60, 140, 180), (3000, 2000, 3100, 2100), (3000, 2500, 3100, 2600))
    assert warning.startswith("warning: the crops of 2 objects are far looser than in training, '1.jpg' first")
    assert "train with crop_rule `margin`" in warning


def test_margins_and_images_without_boxes_are_never_too_loose():
    assert watched(MARGIN, (3000, 2000, 3100, 2100)) is None
    assert watched(PAPER, (0, 0, 20, 3000), size=(20, 3000)) is None
