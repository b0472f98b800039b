from pathlib import Path

import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.inference.arguments import shots_of
from landmark_discovery.inference.shots import WHOLE_IMAGE

IMAGE = np.zeros((4, 5, 3), dtype=np.uint8)


def test_files_and_arrays_are_named():
    shots = shots_of(["a/b.png", Path("c.png"), IMAGE], None)
    assert [(shot.name, shot.boxes) for shot in shots] == [
        ("a/b.png", (WHOLE_IMAGE,)),
        ("c.png", (WHOLE_IMAGE,)),
        ("images[2]", (WHOLE_IMAGE,)),
    ]
    assert [shot.content for shot in shots[:2]] == [Path("a/b.png"), Path("c.png")]


def test_boxes_belong_to_images_by_their_places():
    shots = shots_of(["a", "b", "c"], [None, (1, 2, 3, 4), np.array([[1, 2, 3, 4], [0, 0, 9.5, 9]])])
    corners = [[box.corners for box in shot.boxes] for shot in shots[1:]]
    assert corners == [[(1, 2, 3, 4)], [(1, 2, 3, 4), (0, 0, 9.5, 9)]]
    assert shots[0].boxes == (WHOLE_IMAGE,)


@pytest.mark.parametrize(
    ("image", "described"),
    [
        (IMAGE[..., 0], r"an array of uint8 \(4, 5\)"),
        (IMAGE.astype(np.float32), r"an array of float32 \(4, 5, 3\)"),
        (IMAGE[:0], r"an array of uint8 \(0, 5, 3\)"),
        (7, "int"),
    ],
)
def test_what_is_no_image_is_refused(image, described):
    with pytest.raises(UserError, match=rf"images\[1\]: {described} is no image; give a file name, or an array"):
        shots_of(["a.png", image], None)


@pytest.mark.parametrize("image", ["a.png", Path("a.png"), IMAGE])
def test_a_single_image_in_place_of_a_list_is_refused(image):
    with pytest.raises(UserError, match="images is a single image; give a list"):
        shots_of(image, None)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([1, 2, 3], r"the shape is \(3,\), not \(4,\) or \(M, 4\)"),
        (5, r"the shape is \(\)"),
        (["a", "b", "c", "d"], "not numbers"),
        ([5, 5, 5, 9], "a box has no area"),
        ([[0, 0, 9, 9], [5, 5, 9, np.nan]], "a box has no area"),
        ([0, 0, np.inf, 9], "a box has no area"),
        ([0, 0, 1e20, 9], "a box lies beyond any image"),
        ([-1e20, 0, 9, 9], "a box lies beyond any image"),
        ([[]], r"the shape is \(1, 0\)"),
    ],
)
def test_what_is_no_box_is_refused(box, words):
    with pytest.raises(UserError, match=rf"boxes\[0\]: {words}"):
        shots_of(["a.png"], [box])


@pytest.mark.parametrize("none", [[], (), np.zeros((0, 4))])
def test_no_boxes_are_no_objects(none):
    assert [len(shot.boxes) for shot in shots_of(["a.png", "b.png"], [none, (1, 2, 3, 4)])] == [0, 1]


def test_iterators_are_taken_as_lists():
    shots = shots_of((name for name in ("a.png", "b.png")), iter([None, (1, 2, 3, 4)]))
    assert [(shot.name, shot.boxes[0].corners) for shot in shots] == [
        ("a.png", WHOLE_IMAGE.corners),
        ("b.png", (1, 2, 3, 4)),
    ]


def test_boxes_for_another_number_of_images_are_refused():
    with pytest.raises(UserError, match="boxes has 1 entries for 2 images"):
        shots_of(["a.png", "b.png"], [[0, 0, 9, 9]])


def test_what_is_no_list_is_refused():
    with pytest.raises(UserError, match="images is 5; give a list with an entry for each image"):
        shots_of(5, None)
    with pytest.raises(UserError, match="boxes is 5; give a list with an entry for each image"):
        shots_of(["a.png"], 5)
