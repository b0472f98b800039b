"""Reading ground truth: both forms of samples.csv, and each fault by file, row and remedy."""

import numpy as np
import pandas as pd
import pytest

from landmark_discovery.data.store import ImageStore, write_store
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.truth import read_folder_truth, read_truth

NAN = np.nan
SAMPLES = "image,split,subject,x_min,y_min,x_max,y_max\nb.jpg,test,p1,1,2,3,4\na.jpg,train,p0,5,6,7,8\n"
LANDMARKS = "image,x0,y0,x1,y1\na.jpg,1,2,3,4\nb.jpg,5,6,,\n"


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_plain_files_are_joined_by_image(write):
    truth = read_truth(write("samples.csv", SAMPLES), write("landmarks.csv", LANDMARKS))
    assert list(truth.image) == ["b.jpg", "a.jpg"]
    assert list(truth.split) == ["test", "train"]
    assert (truth.box == [[1, 2, 3, 4], [5, 6, 7, 8]]).all()
    assert np.allclose(truth.landmarks, [[[5, 6], [NAN, NAN]], [[1, 2], [3, 4]]], equal_nan=True)
    assert truth.crop is None
    assert truth.height is None


def test_a_point_with_one_coordinate_is_missing(write):
    truth = read_truth(None, write("landmarks.csv", "image,x0,y0\na.jpg,1,\n"))
    assert np.isnan(truth.landmarks).all()


def test_landmarks_alone_leave_the_split_to_the_predictions(write):
    truth = read_truth(None, write("landmarks.csv", LANDMARKS))
    assert list(truth.image) == ["a.jpg", "b.jpg"]
    assert list(truth.split) == ["", ""]
    assert truth.box is None


def test_samples_alone_are_no_ground_truth(write, tmp_path):
    write("samples.csv", SAMPLES)
    assert read_folder_truth(tmp_path).landmarks is None


def test_an_image_without_landmarks_has_missing_points(write):
    landmarks = write("landmarks.csv", "image,x0,y0\na.jpg,1,2\n")
    truth = read_truth(write("samples.csv", SAMPLES), landmarks)
    assert np.allclose(truth.landmarks, [[[NAN, NAN]], [[1, 2]]], equal_nan=True)


def test_a_prepared_data_set_brings_crops_and_heights(tmp_path):
    columns = {"image": ["a.jpg"], "split": ["test"], "subject": [""], "width": [40], "height": [30]}
    for start, kind in enumerate(("box", "crop", "window")):
        for offset, corner in enumerate(("x_min", "y_min", "x_max", "y_max")):
            columns[f"{kind}_{corner}"] = [10 * start + offset]
    columns |= {"stored_width": [8], "stored_height": [8]}
    landmarks = np.array([[[1.5, 2.5], [NAN, NAN]]])
    images = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    write_store(tmp_path / "store", ImageStore(images, pd.DataFrame(columns), landmarks, {}))
    truth = read_folder_truth(tmp_path / "store")
    assert (truth.box == [[0, 1, 2, 3]]).all()
    assert (truth.crop == [[10, 11, 12, 13]]).all()
    assert (truth.height == [30]).all()
    assert np.allclose(truth.landmarks, landmarks, equal_nan=True)


def test_an_empty_box_is_missing(write):
    truth = read_truth(write("samples.csv", "image,x_min,y_min,x_max,y_max\na.jpg,,,,\n"), None)
    assert np.isnan(truth.box).all()


@pytest.mark.parametrize(
    ("samples", "fault"),
    [
        ("", r"samples.csv: the table is empty"),
        ("name,split\na.jpg,test\n", "the header is 'name,split'"),
        ("image,split,split\na.jpg,test,test\n", "none twice"),
        ("image,split\na.jpg\n", "line 2: 1 columns where the header has 2"),
        ("image,split\na.jpg,test,7\n", "line 2: 3 columns where the header has 2"),
        ("image,split\na.jpg,test\na.jpg,test\n", "image 'a.jpg' stands twice"),
        ("image,split\na.jpg,validation\n", "split of 'a.jpg' is 'validation'; valid: train, test"),
        ("image,x_min,y_min\na.jpg,1,2\n", "column 'x_max' is missing; needed: x_min, y_min, x_max, y_max"),
        ("image,height\na.jpg,tall\n", "height of 'a.jpg' is 'tall', not a number; write a number"),
        ("image,height\na.jpg,inf\n", "height of 'a.jpg' is 'inf', not a number"),
    ],
)
def test_faulty_samples_are_named(write, samples, fault):
    with pytest.raises(UserError, match=fault):
        read_truth(write("samples.csv", samples), None)


@pytest.mark.parametrize(
    ("landmarks", "fault"),
    [
        ("image,x0,y0,x1\na.jpg,1,2,3\n", "landmarks.csv: the header is 'image,x0,y0,x1'; it must be image,x0,y0"),
        ("image,y0,x0\na.jpg,1,2\n", "it must be image,x0,y0,x1,y1"),
        ("image\na.jpg\n", "it must be image,x0,y0,x1,y1"),
        ("image,x0,y0\na.jpg,1,two\n", "y0 of 'a.jpg' is 'two', not a number"),
        ("image,x0,y0\na.jpg,1\n", "line 2: 2 columns where the header has 3"),
        ("image,x0,y0\nc.jpg,1,2\n", "landmarks of image 'c.jpg', which isn't in the samples"),
    ],
)
def test_faulty_landmarks_are_named(write, landmarks, fault):
    with pytest.raises(UserError, match=fault):
        read_truth(write("samples.csv", SAMPLES), write("landmarks.csv", landmarks))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.csv: no such file"):
        read_truth(tmp_path / "none.csv", None)


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "samples.csv").write_bytes(b"image\n\xff\xfe\x00\n")
    with pytest.raises(UserError, match=r"samples\.csv: not UTF-8 text; save the table as CSV"):
        read_truth(tmp_path / "samples.csv", None)


def test_no_file_at_all_is_an_error():
    with pytest.raises(UserError, match="neither samples nor landmarks"):
        read_truth(None, None)


def test_another_table_of_true_points_is_read_by_its_name(write, tmp_path):
    write("samples.csv", SAMPLES)
    write("landmarks.csv", LANDMARKS)
    write("landmarks_1.csv", "image,x0,y0\nb.jpg,7,8\n")
    assert read_folder_truth(tmp_path, "landmarks_1").landmarks[0].tolist() == [[7, 8]]
    with pytest.raises(UserError, match=r"landmarks_5\.csv, which isn't there.*; there: landmarks, landmarks_1$"):
        read_folder_truth(tmp_path, "landmarks_5")
