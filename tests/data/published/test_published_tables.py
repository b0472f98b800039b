from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_archives import jpeg_bytes

from landmark_discovery.data.published.tables import (
    annotations_of,
    blaming,
    boxes_around,
    boxes_of,
    check_size,
    write_tables,
)
from landmark_discovery.data.tables import read_landmark_table, read_sample_table
from landmark_discovery.errors import UserError

WHERE = Path("boxes.pickle")
BOXES = {name: np.array(box) for name, box in (("b", [1.5, 2, 3, 4]), ("a", [5, 6, 7, 8.0]), ("c", [0, 0, 0, 0]))}


def test_annotations_come_in_the_order_of_the_images():
    assert annotations_of(["a", "b"], BOXES, (4,), WHERE).tolist() == [[5, 6, 7, 8], [1.5, 2, 3, 4]]
    assert annotations_of([], BOXES, (4,), WHERE).shape == (0, 4)


def test_boxes_may_be_rows():
    assert boxes_of(["a"], {"a": np.array([[1, 2, 3, 4.0]])}, WHERE).tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("names", "changes", "message"),
    [
        (["a", "x", "y"], {}, r"boxes\.pickle: 2 of 3 images aren't in it, the first 'x'; fetch it anew"),
        (["a", "b"], {"b": np.zeros(3)}, "1 of 2 images don't have 4 finite numbers, the first 'b'"),
        (["a", "b"], {"a": np.array([1, 2, 3, np.nan])}, "1 of 2 images don't have 4 finite numbers, the first 'a'"),
        (["a", "b", "c"], {}, "1 of 3 images have a box without area, the first 'c'"),
    ],
)
def test_images_without_a_good_box_are_counted_and_the_first_is_named(names, changes, message):
    with pytest.raises(UserError, match=message):
        boxes_of(names, {**BOXES, **changes}, WHERE)


def test_boxes_around_points_by_hand():
    # From 10.9 to 40.9 the ends are 10 and 40, so that the top rises by 10; fractions fall away towards zero.
    points = np.array([[[3.7, 10.9], [20.2, 40.9]], [[-2.5, -1.5], [4, 4.5]]])

    assert boxes_around(points).tolist() == [[3, 0, 20, 40], [-2, -1 - 5 / 3, 4, 4]]


def test_the_size_of_an_image_is_checked_by_its_header(tmp_path):
    image = tmp_path / "1.jpg"
    image.write_bytes(jpeg_bytes(np.zeros((20, 30, 3), dtype=np.uint8)))
    check_size(image, (30, 20), "img/1.jpg", Path("a.zip"))

    with pytest.raises(UserError, match=r"a\.zip: 'img/1\.jpg' is 30 x 20 pixels, not 20 x 30; fetch it anew"):
        check_size(image, (20, 30), "img/1.jpg", Path("a.zip"))
    image.write_bytes(b"text")
    with pytest.raises(UserError, match=r"a\.zip: 'img/1\.jpg': not a JPEG"):
        check_size(image, (30, 20), "img/1.jpg", Path("a.zip"))


def test_a_fault_of_a_member_names_the_archive():
    with (
        pytest.raises(UserError, match=r"^a\.zip: 'img/1': it is broken; fetch it anew$"),
        blaming(Path("a.zip"), "img/1"),
    ):
        raise UserError("it is broken", where="/tmp/x")


def test_what_is_written_is_read_as_a_data_set(tmp_path):
    points = np.array([[[1.25, 2]], [[1 / 3, 4]]])
    boxes = np.array([[1.5, 2, 3, 4], [0, 0, 1 / 3, 1]])
    write_tables(
        tmp_path / "t", ["images/a b.jpg", "images/c.jpg"], ["train", "test"], boxes, {"landmarks.csv": points}
    )
    samples = read_sample_table(tmp_path / "t" / "samples.csv")

    assert samples["image"].tolist() == ["images/a b.jpg", "images/c.jpg"]
    assert samples["split"].tolist() == ["train", "test"]
    assert np.array_equal(samples[["x_min", "y_min", "x_max", "y_max"]], boxes)
    assert np.array_equal(read_landmark_table(tmp_path / "t" / "landmarks.csv").points, points)
    assert list(pd.read_csv(tmp_path / "t" / "landmarks.csv").columns) == ["image", "x0", "y0"]
