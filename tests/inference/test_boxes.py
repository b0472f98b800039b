import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.errors import UserError
from landmark_discovery.inference.boxes import read_boxes
from landmark_discovery.inference.shots import WHOLE_IMAGE

HEADER = "image,x_min,y_min,x_max,y_max\n"


@pytest.fixture
def write(tmp_path):
    def make(content, name="boxes"):
        path = tmp_path / f"{name}{'.csv' if isinstance(content, str) else '.json'}"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return make


def corners_of(boxes, name):
    return [box.corners for box in boxes.of(name)]


def test_rows_of_one_image_are_several_objects(write):
    boxes = read_boxes(write(HEADER + "a.png,1,2,3,4\nb.png,0,0,9.5,8\n\na.png,5,6,7,8\n"))
    assert corners_of(boxes, "a.png") == [(1, 2, 3, 4), (5, 6, 7, 8)]
    assert corners_of(boxes, "b.png") == [(0, 0, 9.5, 8)]
    assert boxes.of("a.png")[1].where.endswith("boxes.csv, line 5")
    assert boxes.of("c.png") == ()


def test_a_table_may_have_other_columns_and_empty_boxes_as_a_data_set_has(write):
    boxes = read_boxes(write("split,y_max,x_max,y_min,x_min,image\ntrain,4,3,2,1,a.png\ntest,,,,,b.png\n"))
    assert corners_of(boxes, "a.png") == [(1, 2, 3, 4)]
    assert boxes.of("b.png")[0].corners is WHOLE_IMAGE.corners


def test_annotations_of_coco_name_their_images_by_number(write):
    images = [{"id": 7, "file_name": "é 'x'/a.png"}, {"id": 0, "file_name": "b.png"}]
    annotations = [{"image_id": 0, "bbox": [1, 2, 10, 20]}, {"image_id": 7, "bbox": [0.5, 0, 1, 1], "score": 0.9}]
    boxes = read_boxes(write({"images": images, "annotations": annotations}))
    assert corners_of(boxes, "b.png") == [(1, 2, 11, 22)]
    assert corners_of(boxes, "é 'x'/a.png") == [(0.5, 0, 1.5, 1)]
    assert boxes.of("b.png")[0].where.endswith("boxes.json, entry 0")


@pytest.mark.parametrize("key", ["file_name", "image", "image_id"])
def test_a_list_of_detections_names_files(write, key):
    boxes = read_boxes(write([{key: "./a.png", "bbox": [1, 2, 3, 4], "category_id": 1, "score": 0.5}]))
    assert corners_of(boxes, "a.png") == [(1, 2, 4, 6)]


def test_boxes_of_a_frame_go_before_those_of_its_video(write):
    boxes = read_boxes(
        write(HEADER + "c.mp4,0,0,9,9\nc.mp4#000002,1,1,5,5\nc.mp4#000011,1,1,5,5\nd.mp4#000000,1,1,5,5\n")
    )
    assert [box.corners for box in boxes.of("c.mp4#000002", "c.mp4")] == [(1, 1, 5, 5)]
    assert [box.corners for box in boxes.of("c.mp4#000003", "c.mp4")] == [(0, 0, 9, 9)]
    assert boxes.last_frame == {"c.mp4": 11, "d.mp4": 0}


def test_a_box_of_an_unknown_image_is_named_with_its_line(write):
    boxes = read_boxes(write(HEADER + "a.png,1,2,3,4\nx.png,1,2,3,4\n"))
    boxes.check_names(lambda name: name in ("a.png", "x.png"))
    with pytest.raises(UserError, match=r"boxes\.csv, line 3: a box of 'x\.png', which isn't among the images; name"):
        boxes.check_names(lambda name: name == "a.png")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,x_min,y_min,x_max\n", "line 1: column 'y_max' is missing; the columns are image,x_min,"),
        ("image;x_min;y_min;x_max;y_max\n", "line 1: column 'image' is missing"),
        (HEADER + "a.png,1,2,1,4\n", "line 2: the box 1, 2, 1, 4 has no area; x_max must exceed"),
        (HEADER + "a.png,1,2,3,nan\n", "line 2: the box isn't four numbers"),
        (HEADER + "a.png,1,2,inf,4\n", "line 2: the box isn't four numbers"),
        (HEADER + "a.png,1,2,3e12,4\n", "line 2: the box 1, 2, 3e+12, 4 lies beyond any image; give pixels"),
        (HEADER + "a.png,-1e300,2,3,4\n", "line 2: the box -1e+300, 2, 3, 4 lies beyond any image"),
        (HEADER + "a.png,1,2,,4\n", "line 2: the box isn't four numbers"),
        (HEADER + "a.png,1,two,3,4\n", "line 2: the box isn't four numbers"),
        (HEADER + ",1,2,3,4\n", "line 2: it names no image"),
        (HEADER + "a.png,1,2,3\n", "line 2: 4 columns where the header has 5"),
        ("", "boxes.csv: the table is empty"),
    ],
)
def test_a_fault_of_a_table_is_named_by_its_line(write, text, words):
    with pytest.raises(UserError) as caught:
        read_boxes(write(text))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"images": []}, "boxes.json: no annotations in it"),
        ({"annotations": 5}, "no annotations in it"),
        ({"images": [{"id": 1}], "annotations": []}, "an image without id or file_name"),
        ({"images": 5, "annotations": []}, "an image without id or file_name"),
        ({"images": [{"id": [], "file_name": "a"}], "annotations": []}, "an image without id or file_name"),
        ([{"image_id": 3, "bbox": [1, 2, 3, 4]}], "entry 0: it names no image; give COCO's annotations"),
        ([["a.png", 1, 2, 3, 4]], "entry 0: not an object with a bbox"),
        ([{"image": "a.png"}], "entry 0: bbox isn't four numbers"),
        ([{"image": "a.png", "bbox": [1, 2, 3]}], "entry 0: bbox isn't four numbers"),
        ([{"image": "a.png", "bbox": [1, 2, 0, 4]}], "entry 0: the box 1, 2, 1, 6 has no area"),
        ([{"image": "a.png", "bbox": [1, 2, 3, 2e9]}], "entry 0: the box 1, 2, 4, 2e+09 lies beyond any image"),
        ([{"image": "a.png", "bbox": [1, 2, "3", 4]}], "entry 0: the box isn't four numbers"),
        ([{"image": "a.png", "bbox": [1, 2, 10**400, 4]}], "entry 0: the box isn't four numbers"),
        ([{"image": "", "bbox": [1, 2, 3, 4]}], "entry 0: it names no image"),
    ],
)
def test_a_fault_of_json_is_named_by_its_entry(write, content, words):
    with pytest.raises(UserError) as caught:
        read_boxes(write(content))
    assert words in str(caught.value)


def test_files_that_are_not_readable_are_refused(tmp_path):
    (tmp_path / "torn.json").write_text('[{"image": ')
    (tmp_path / "folder.json").mkdir()
    for name, words in (
        ("torn.json", "not readable JSON"),
        ("none.json", "no such file"),
        ("none.csv", "no such file"),
        ("folder.json", "can't be read"),
        ("boxes.xml", "neither .csv nor .json"),
    ):
        with pytest.raises(UserError, match=words):
            read_boxes(tmp_path / name)


@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["images", "annotations", "id", "image_id", "file_name", "bbox"]), inner)
        ),
        max_leaves=12,
    )
)
def test_fuzz_whatever_json_holds_it_is_boxes_or_an_error_of_the_user(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "boxes.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with suppress(UserError):
        read_boxes(path)
