import json
import pickle

import numpy as np
import pytest
from fake_archives import (
    blank_faces,
    jpeg_bytes,
    matlab_bytes,
    torch7_bytes,
    write_archive,
    write_ls3d_downloads,
    write_pickle,
)

from landmark_discovery.data.folder import read_folder
from landmark_discovery.data.published.ls3d import build_ls3d, mirrored_points, read_training_boxes
from landmark_discovery.data.tables import read_sample_table
from landmark_discovery.errors import UserError

BOXES = "300W_LPBoundingBoxes.pickle"
TRAINING = "300W-LP.zip"
TESTS = "LS3D-W-balanced-20-03-2017.zip"
# Left and right of some of the 68 points: outline, brows, nostrils, corners of the eyes and of the mouth.
PAIRS = [(0, 16), (7, 9), (17, 26), (21, 22), (31, 35), (36, 45), (39, 42), (41, 46), (48, 54), (59, 55), (60, 64)]
MIDDLE = [8, 27, 30, 33, 51, 57, 62, 66]


@pytest.fixture
def downloads(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def written(downloads):
    """Write the downloads of five faces, two of them for the test; give the images of 300W-LP and of LS3D-W."""
    return write_ls3d_downloads(downloads, blank_faces(5), test=2)


def ground_truth_box(points):
    x_min, y_min = (int(end) for end in points.min(axis=0))
    x_max, y_max = (int(end) for end in points.max(axis=0))
    return [x_min, y_min - (y_max - y_min) / 3, x_max, y_max]


def test_training_images_have_the_authors_boxes_and_are_sorted(tmp_path, downloads, written):
    images = {f"images/300W_LP/{image.name}": image for image in written[0]}
    build_ls3d(downloads, tmp_path / "ls3d")
    folder = read_folder(tmp_path / "ls3d", tmp_path / "ls3d/training", both_sides=False)
    table = read_sample_table(tmp_path / "ls3d/training/samples.csv")

    assert table["image"].tolist() == sorted(images)
    assert len(images) == 6
    assert set(table["split"]) == {"train"}
    assert folder.landmarks is None
    boxes = table[["x_min", "y_min", "x_max", "y_max"]]
    np.testing.assert_allclose(boxes, [images[name].box for name in sorted(images)], rtol=1e-14)
    for name, image in images.items():
        assert (tmp_path / "ls3d" / name).read_bytes() == image.jpeg


def test_evaluation_learns_from_the_first_images_of_the_pickle_and_measures_all_of_ls3d_w(tmp_path, downloads, written):
    training, tests = written
    build_ls3d(downloads, tmp_path / "ls3d", regressor_images=4)
    table = read_sample_table(tmp_path / "ls3d/evaluation/samples.csv")

    names = [f"images/300W_LP/{image.name}" for image in training[:4]]
    assert table["image"].tolist() == [*names, "images/LS3D-W/1.jpg", "images/LS3D-W/2.jpg"]
    assert table["split"].tolist() == ["train"] * 4 + ["test"] * 2
    assert (tmp_path / "ls3d/images/LS3D-W/2.jpg").read_bytes() == tests[1].jpeg
    assert json.loads((tmp_path / "ls3d/facts.json").read_text()) == {
        "dataset": "ls3d",
        "training": 6,
        "regressor": 4,
        "regressor_mirrored": 2,
        "test": 2,
    }


def test_every_box_of_the_evaluation_comes_from_the_true_points(tmp_path, downloads, written):
    training, tests = written
    build_ls3d(downloads, tmp_path / "ls3d")
    folder = read_folder(tmp_path / "ls3d", tmp_path / "ls3d/evaluation")
    points = {f"images/300W_LP/{image.name}": image.points for image in training}
    points |= {f"images/LS3D-W/{image.name}": image.points for image in tests}

    boxes = folder.samples[["x_min", "y_min", "x_max", "y_max"]].to_numpy()
    expected = [ground_truth_box(points[name]) for name in folder.samples["image"]]
    np.testing.assert_allclose(boxes, expected, rtol=1e-14)
    for name, found in zip(folder.samples["image"], folder.landmarks, strict=True):
        if "_Flip" not in name:
            np.testing.assert_allclose(found, points[name], rtol=1e-14)


@pytest.mark.usefixtures("written")
def test_a_mirror_image_has_the_mirrored_points_with_left_and_right_exchanged(tmp_path, downloads):
    build_ls3d(downloads, tmp_path / "ls3d")
    folder = read_folder(tmp_path / "ls3d", tmp_path / "ls3d/evaluation")
    found = dict(zip(folder.samples["image"], folder.landmarks, strict=True))
    plain, twin = found["images/300W_LP/AFW/AFW_1_0.jpg"], found["images/300W_LP/AFW_Flip/AFW_1_0.jpg"]

    for left, right in [*PAIRS, *((index, index) for index in MIDDLE)]:
        assert twin[left] == pytest.approx((450 - plain[right][0], plain[right][1]))
        assert twin[right] == pytest.approx((450 - plain[left][0], plain[left][1]))


def test_mirroring_twice_changes_nothing():
    points = np.random.default_rng(0).uniform(0, 450, (68, 2))

    np.testing.assert_allclose(mirrored_points(mirrored_points(points)), points)
    assert sorted(np.round(mirrored_points(points)[:, 1], 9)) == sorted(np.round(points[:, 1], 9))


@pytest.mark.usefixtures("written")
def test_a_pickle_in_protocol_4_and_keys_from_the_folder_above(tmp_path, downloads):
    boxes = pickle.loads((downloads / BOXES).read_bytes())
    write_pickle(downloads / BOXES, {f"300W_LP/{key}": list(box) for key, box in boxes.items()}, 4)
    build_ls3d(downloads, tmp_path / "ls3d")

    assert len(read_sample_table(tmp_path / "ls3d/training/samples.csv")) == 6


@pytest.mark.usefixtures("written")
def test_images_without_a_box_are_not_training_images(tmp_path, downloads):
    change_boxes(downloads, lambda boxes: boxes.pop("AFW/AFW_1_0.jpg"))
    build_ls3d(downloads, tmp_path / "ls3d")

    assert len(read_sample_table(tmp_path / "ls3d/training/samples.csv")) == 5
    assert not (tmp_path / "ls3d/images/300W_LP/AFW/AFW_1_0.jpg").exists()
    assert (tmp_path / "ls3d/images/300W_LP/AFW_Flip/AFW_1_0.jpg").exists()


@pytest.mark.usefixtures("written")
def test_only_what_belongs_to_the_data_set_is_left(tmp_path, downloads):
    build_ls3d(downloads, tmp_path / "ls3d")

    assert sorted(path.name for path in (tmp_path / "ls3d").iterdir()) == [
        "evaluation",
        "facts.json",
        "images",
        "training",
    ]
    assert {path.suffix for path in (tmp_path / "ls3d/images").rglob("*.*")} == {".jpg"}


def change_boxes(root, change):
    boxes = pickle.loads((root / BOXES).read_bytes())
    change(boxes)
    write_pickle(root / BOXES, boxes)


def change_training(root, change):
    training, _ = write_ls3d_downloads(root, blank_faces(5), test=2)
    members = {f"300W_LP/{image.name}": image.jpeg for image in training}
    for image in training:
        members[f"300W_LP/landmarks/{image.name.removesuffix('.jpg')}_pts.mat"] = matlab_bytes(image.points)
    change(members)
    write_archive(root / TRAINING, members)


def change_tests(root, change):
    _, tests = write_ls3d_downloads(root, blank_faces(5), test=2)
    members = {f"new_dataset/{image.name}": image.jpeg for image in tests}
    members |= {f"new_dataset/{image.name[:-4]}.t7": torch7_bytes(image.points) for image in tests}
    change(members)
    write_archive(root / TESTS, members)


SMALL = jpeg_bytes(np.zeros((449, 450, 3), dtype=np.uint8))
FAULTS = {
    "no pickle": (lambda root: (root / BOXES).unlink(), rf"downloads: 1 of 3 downloads aren't there: {BOXES}; fetch"),
    "no archive": (lambda root: (root / TRAINING).unlink(), rf"aren't there: {TRAINING};"),
    "empty pickle": (lambda root: write_pickle(root / BOXES, {}), "no image in it"),
    "key outside": (
        lambda root: change_boxes(root, lambda boxes: boxes.update({"../../x/a.jpg": [1, 2, 3, 4]})),
        r"the key '\.\./\.\./x/a\.jpg' isn't the path of an image such as AFW/AFW_1\.jpg",
    ),
    "absolute key": (
        lambda root: change_boxes(root, lambda boxes: boxes.update({"/etc/x/a.jpg": [1, 2, 3, 4]})),
        "isn't the path of an image",
    ),
    "key twice": (
        lambda root: change_boxes(root, lambda boxes: boxes.update({"300W_LP/AFW/AFW_1_0.jpg": [1, 2, 3, 4]})),
        r"the key '300W_LP/AFW/AFW_1_0\.jpg' stands twice",
    ),
    "bad box": (
        lambda root: change_boxes(root, lambda boxes: boxes.update({"AFW/AFW_1_0.jpg": [9, 2, 3, 4]})),
        r"1 of 6 images have a box without area, the first '300W_LP/AFW/AFW_1_0\.jpg'",
    ),
    "missing image": (
        lambda root: change_training(root, lambda members: members.pop("300W_LP/AFW/AFW_1_0.jpg")),
        rf"{TRAINING}: 1 of 9 files aren't in it, the first '300W_LP/AFW/AFW_1_0\.jpg'",
    ),
    "missing points": (
        lambda root: change_training(root, lambda members: members.pop("300W_LP/landmarks/AFW/AFW_1_0_pts.mat")),
        r"1 of 9 files aren't in it, the first '300W_LP/landmarks/AFW/AFW_1_0_pts\.mat'",
    ),
    "small image": (
        lambda root: change_training(root, lambda members: members.update({"300W_LP/AFW/AFW_1_0.jpg": SMALL})),
        rf"{TRAINING}: '300W_LP/AFW/AFW_1_0\.jpg' is 450 x 449 pixels, not 450 x 450",
    ),
    "no matlab file": (
        lambda root: change_training(
            root, lambda members: members.update({"300W_LP/landmarks/AFW/AFW_1_0_pts.mat": b"text"})
        ),
        rf"{TRAINING}: '300W_LP/landmarks/AFW/AFW_1_0_pts\.mat': not a readable MATLAB file",
    ),
    "other points": (
        lambda root: change_training(
            root,
            lambda members: members.update({"300W_LP/landmarks/AFW/AFW_1_0_pts.mat": matlab_bytes(np.ones((5, 2)))}),
        ),
        "2 of 6 images don't have 68 x 2 finite numbers, the first '300W_LP/landmarks/AFW/AFW_1_0_pts",
    ),
    "no test images": (
        lambda root: write_archive(root / TESTS, {"other/1.jpg": b"x"}),
        rf"{TESTS}: no images in a folder new_dataset",
    ),
    "image alone": (
        lambda root: change_tests(root, lambda members: members.pop("new_dataset/2.t7")),
        r"1 of 2 images lack their \.jpg or their \.t7, the first '2'",
    ),
    "points alone": (
        lambda root: change_tests(root, lambda members: members.pop("new_dataset/1.jpg")),
        r"lack their \.jpg or their \.t7, the first '1'",
    ),
    "odd name": (
        lambda root: change_tests(
            root, lambda members: members.update({"new_dataset/a\n.jpg": b"", "new_dataset/a\n.t7": b""})
        ),
        "1 of 3 images have odd names",
    ),
    "no tensor": (
        lambda root: change_tests(root, lambda members: members.update({"new_dataset/1.t7": b"text"})),
        rf"{TESTS}: 'new_dataset/1\.t7': not a tensor of Torch7",
    ),
    "no image": (
        lambda root: change_tests(root, lambda members: members.update({"new_dataset/1.jpg": b"text"})),
        rf"{TESTS}: 'new_dataset/1\.jpg': not a JPEG",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.usefixtures("written")
def test_a_fault_of_the_downloads_is_named_and_nothing_is_left(tmp_path, downloads, fault):
    harm, message = FAULTS[fault]
    harm(downloads)

    with pytest.raises(UserError, match=message):
        build_ls3d(downloads, tmp_path / "ls3d")
    assert [path.name for path in tmp_path.iterdir()] == ["downloads"]


@pytest.mark.usefixtures("written")
def test_hidden_files_that_a_mac_adds_are_passed_over(tmp_path, downloads):
    change_tests(downloads, lambda members: members.update({"__MACOSX/new_dataset/._1.jpg": b"x"}))
    build_ls3d(downloads, tmp_path / "ls3d")

    assert len(list((tmp_path / "ls3d/images/LS3D-W").iterdir())) == 2


def test_boxes_keep_the_order_of_the_pickle(downloads, written):
    images = list(read_training_boxes(downloads / BOXES))

    assert [image.path for image in images] == [f"300W_LP/{image.name}" for image in written[0]]
    assert [image.path for image in images] != sorted(image.path for image in images)
    twins = [image for image in images if image.mirrored]
    assert len(twins) == 3
    assert {image.points_path.split("/")[2] for image in images} == {"AFW", "HELEN"}
