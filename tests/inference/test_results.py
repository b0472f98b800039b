import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.inference.detector import DetectedShot, FoundObject
from landmark_discovery.inference.results import COCO, TABLE, ResultFiles, table_header, table_row
from landmark_discovery.inference.shots import Shot

NOT_FOUND = [math.nan, math.nan]


def found(image, box, landmarks, scores):
    return FoundObject(image, np.array(box, dtype=np.float64), np.array(landmarks), np.array(scores))


def detected(name, *objects, size=(60, 50)):
    return DetectedShot(Shot(name, np.zeros((1, 1, 3), dtype=np.uint8)), size, list(objects))


FIRST = found("a.png", [1, 2, 31, 42], [[1.5, 2.25], [3, 4]], [0.5, 1.0])
SECOND = found("a.png", [0, 0, 9.5, 9], [NOT_FOUND, [5, 6]], [math.nan, 0.25])


@pytest.fixture
def written(tmp_path):
    with ResultFiles(tmp_path, 2, {"weights": "model.safetensors"}) as results:
        results.add(detected("a.png", FIRST, SECOND))
        results.add(detected("nothing.png"))
        results.add(detected("c.mp4#000003", found("c.mp4#000003", *vars_of(FIRST))), video="c.mp4", frame=3)
    return tmp_path, results


def vars_of(one):
    return one.box, one.landmarks, one.scores


def test_the_table_has_one_row_an_object(written):
    assert (written[0] / TABLE).read_text(encoding="utf-8").splitlines() == [
        "image,object,x_min,y_min,x_max,y_max,x0,y0,score0,x1,y1,score1",
        "a.png,0,1,2,31,42,1.5,2.25,0.5,3,4,1",
        "a.png,1,0,0,9.5,9,,,,5,6,0.25",
        "c.mp4#000003,0,1,2,31,42,1.5,2.25,0.5,3,4,1",
    ]


def test_what_was_written_is_counted(written):
    results = written[1]
    assert (results.images, results.objects, results.empty_images) == (3, 3, 1)
    assert sorted(path.name for path in written[0].iterdir()) == [COCO, TABLE]


def test_coco_lists_all_images_and_the_objects_of_each(written):
    content = json.loads((written[0] / COCO).read_text(encoding="utf-8"))
    assert content["info"] == {"weights": "model.safetensors"}
    assert content["images"] == [
        {"id": 1, "file_name": "a.png", "width": 60, "height": 50},
        {"id": 2, "file_name": "nothing.png", "width": 60, "height": 50},
        {"id": 3, "file_name": "c.mp4#000003", "width": 60, "height": 50, "video": "c.mp4", "frame": 3},
    ]
    (category,) = content["categories"]
    assert category["keypoints"] == ["landmark_0", "landmark_1"]
    assert content["annotations"][1] == {
        "id": 2,
        "image_id": 1,
        "category_id": category["id"],
        "bbox": [0, 0, 9.5, 9],
        "area": 85.5,
        "iscrowd": 0,
        "keypoints": [0, 0, 0, 5, 6, 2],
        "num_keypoints": 1,
        "score": 0.25,
        "keypoint_scores": [0, 0.25],
    }


def check_coco(content):
    """Read COCO keypoints as its own description has it: https://cocodataset.org/#format-data."""
    assert set(content) >= {"info", "licenses", "images", "annotations", "categories"}
    images = {image["id"]: image for image in content["images"]}
    categories = {category["id"]: category for category in content["categories"]}
    assert len(images) == len(content["images"])
    for image in images.values():
        assert all(type(image[name]) is int and image[name] > 0 for name in ("id", "width", "height"))
        assert isinstance(image["file_name"], str)
    for category in categories.values():
        count = len(category["keypoints"])
        assert all(1 <= end <= count for edge in category["skeleton"] for end in edge)
    assert len({annotation["id"] for annotation in content["annotations"]}) == len(content["annotations"])
    for annotation in content["annotations"]:
        assert annotation["image_id"] in images
        keypoints = np.array(annotation["keypoints"]).reshape(-1, 3)
        assert len(keypoints) == len(categories[annotation["category_id"]]["keypoints"])
        assert set(keypoints[:, 2]) <= {0, 1, 2}
        assert not keypoints[keypoints[:, 2] == 0].any()
        assert annotation["num_keypoints"] == (keypoints[:, 2] > 0).sum()
        width, height = annotation["bbox"][2:]
        assert annotation["area"] == pytest.approx(width * height)
        assert annotation["iscrowd"] in (0, 1)
        assert math.isfinite(annotation["score"])


def test_an_independent_reader_finds_valid_coco(written):
    check_coco(json.loads((written[0] / COCO).read_text(encoding="utf-8")))


def test_no_images_are_valid_files_too(tmp_path):
    with ResultFiles(tmp_path, 2, {}):
        pass
    check_coco(json.loads((tmp_path / COCO).read_text(encoding="utf-8")))
    assert (tmp_path / TABLE).read_text(encoding="utf-8").count("\n") == 1


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(name=names, values=st.lists(st.floats(-1e300, 1e300), min_size=6, max_size=6))
def test_names_and_numbers_read_back_as_the_same_bits(tmp_path_factory, name, values):
    folder = tmp_path_factory.mktemp("results")
    one = found(name, [0, 0, 5, 5], [values[:2], values[2:4]], values[4:])
    with ResultFiles(folder, 2, {}) as results:
        results.add(detected(name, one))
    with (folder / TABLE).open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    cells = dict(zip(header, row, strict=True))
    assert cells["image"] == name
    assert [float(cells[column]) for column in ("x0", "y0", "x1", "y1", "score0", "score1")] == values
    content = json.loads((folder / COCO).read_text(encoding="utf-8"))
    assert content["images"][0]["file_name"] == name
    assert content["annotations"][0]["keypoints"] == [*values[:2], 2, *values[2:4], 2]


def test_an_error_leaves_the_files_to_the_folder_that_goes(tmp_path):
    with pytest.raises(KeyboardInterrupt), ResultFiles(tmp_path, 2, {}):
        raise KeyboardInterrupt


def test_a_row_has_a_cell_for_each_column():
    assert len(table_header(2)) == len(table_row(0, SECOND)) == 12
