import math

import numpy as np
import pytest

from landmark_discovery.data.tables import read_landmark_table, read_sample_table
from landmark_discovery.errors import UserError


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_all_columns_of_samples(table):
    path = table("split,image,x_min,y_min,x_max,y_max,subject\ntest,b/ü.png,1,2.5,3,4e1,NA\ntrain,a.png,,,,,\n")
    samples = read_sample_table(path)

    assert samples["image"].tolist() == ["b/ü.png", "a.png"]
    assert samples["split"].tolist() == ["test", "train"]
    assert samples["subject"].tolist() == ["NA", ""]
    assert samples[["x_min", "y_min", "x_max", "y_max"]].iloc[0].tolist() == [1.0, 2.5, 3.0, 40.0]
    assert samples["x_min"].isna().tolist() == [False, True]
    assert samples["line"].tolist() == [2, 3]


def test_the_image_column_is_enough(table):
    samples = read_sample_table(table("image\n./a.png\n\nsub\\b.png\n"))

    assert samples["image"].tolist() == ["a.png", "sub/b.png"]
    assert samples["split"].tolist() == ["", ""]
    assert samples["line"].tolist() == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends_of_any_system(table, encoding, line_end):
    samples = read_sample_table(table(line_end.join(["image,split", "ä.png,train", "b.png,test", ""]), encoding))

    assert samples["image"].tolist() == ["ä.png", "b.png"]
    assert samples["split"].tolist() == ["train", "test"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table.csv: the table is empty"),
        ("image,splitt\n", "line 1: unknown column 'splitt'; did you mean 'split'?"),
        ("image;split\n", "line 1: unknown column 'image;split'; separate the columns with commas"),
        ("image,image\n", "line 1: column 'image' stands twice"),
        ("split\ntrain\n", "line 1: column 'image' is missing"),
        ("image,x_min,y_min,x_max\n", "line 1: column 'y_max' is missing; a box needs"),
        ("image,split\na.png\n", "line 2: 1 columns where the header has 2"),
        ("image\na.png,1\n", "line 2: 2 columns where the header has 1"),
        ("image,split\na.png,train\nb.png,Test\n", "line 3: unknown split 'Test'; did you mean 'test'?"),
        ("image,split\n,train\n", "line 2: column 'image' is empty"),
        ("image\n/etc/a.png\n", "line 2: image '/etc/a.png' isn't inside the data set"),
        ("image\n../a.png\n", "line 2: image '../a.png' isn't inside the data set"),
        ("image\na.png\nb.png\n./a.png\n", "line 4: image 'a.png' stands in line 2 too"),
        ("image,x_min,y_min,x_max,y_max\na.png,1,2,three,4\n", "line 2: x_max is 'three', not a number"),
        ("image,x_min,y_min,x_max,y_max\na.png,1,2,nan,4\n", "line 2: x_max is 'nan', not a number"),
        ("image,x_min,y_min,x_max,y_max\na.png,1,2,inf,4\n", "line 2: x_max is 'inf', not a number"),
        ("image,x_min,y_min,x_max,y_max\na.png,1,,3,4\n", "line 2: the box lacks y_min"),
        ("image,x_min,y_min,x_max,y_max\na.png,1,2,1,4\n", "line 2: the box 1, 2, 1, 4 has no area"),
        ("image,x_min,y_min,x_max,y_max\na.png,1,5,2,4\n", "line 2: the box 1, 5, 2, 4 has no area"),
    ],
)
def test_a_fault_in_samples_is_named_with_its_line(table, text, message):
    with pytest.raises(UserError) as caught:
        read_sample_table(table(text))

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_points_of_landmarks(table):
    landmarks = read_landmark_table(table("image,x0,y0,x1,y1\nb.png,1,2,3.25,4\na.png,-1,0.5,,\n"))

    assert landmarks.image == ["b.png", "a.png"]
    assert landmarks.line == [2, 3]
    assert landmarks.points.shape == (2, 2, 2)
    assert landmarks.points[0].tolist() == [[1, 2], [3.25, 4]]
    assert landmarks.points[1, 0].tolist() == [-1, 0.5]
    assert np.isnan(landmarks.points[1, 1]).all()


def test_a_nan_that_is_written_out_is_an_absent_point(table):
    assert math.isnan(read_landmark_table(table("image,x0,y0\na.png,nan,NaN\n")).points[0, 0, 0])


def test_landmarks_without_rows(table):
    assert read_landmark_table(table("image,x0,y0,x1,y1\n")).points.shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,x0,y0\n", "line 1: column 1 is 'name', not 'image'"),
        ("image,x1,y1,x2,y2\n", "line 1: column 2 is 'x1', not 'x0'"),
        ("image,x0,x1,y0,y1\n", "line 1: column 3 is 'x1', not 'y0'"),
        ("image,x0,y0,x1\n", "line 1: column 'y1' is missing; a point needs x and y"),
        ("image\n", "line 1: column 'x0' is missing"),
        ("image,x0,y0\na.png,1\n", "line 2: 2 columns where the header has 3"),
        ("image,x0,y0\na.png,1,2\nb.png,one,2\n", "line 3: x0 is 'one', not a number"),
        ("image,x0,y0\na.png,1,inf\n", "line 2: y0 is 'inf', not a number"),
        ("image,x0,y0,x1,y1\na.png,1,2,3,\n", "line 2: point 1 has only one coordinate"),
        ("image,x0,y0\na.png,1,2\na.png,1,2\n", "line 3: image 'a.png' stands in line 2 too"),
    ],
)
def test_a_fault_in_landmarks_is_named_with_its_line(table, text, message):
    with pytest.raises(UserError) as caught:
        read_landmark_table(table(text))

    assert message in str(caught.value)


@pytest.mark.parametrize("read", [read_sample_table, read_landmark_table])
def test_what_is_no_utf8_table_is_refused(table, tmp_path, read):
    with pytest.raises(UserError, match="not UTF-8 text; save the table as CSV in UTF-8"):
        read(table("image\nä.png\n", "latin-1"))
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "none.csv")
