import json
import pickle

import numpy as np
import pytest
from fake_archives import blank_faces, jpeg_bytes, write_archive, write_celeba_downloads, write_pickle

from landmark_discovery.data.folder import read_folder
from landmark_discovery.data.images import read_image_size
from landmark_discovery.data.published import celeba
from landmark_discovery.data.published.celeba import build_celeba, read_celeba_lists
from landmark_discovery.errors import UserError

# Twelve faces: 9 is of partition 1 and 10 of partition 2; MAFL trains on 6 to 9 and tests on 10 to 12.
TRAINING = [f"{number:06d}.jpg" for number in range(1, 9)]
MAFL_TRAIN = [f"{number:06d}.jpg" for number in range(6, 10)]
MAFL_TEST = [f"{number:06d}.jpg" for number in range(10, 13)]


@pytest.fixture
def downloads(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def write(downloads):
    """Write the downloads and give what they hold, by name."""

    def written(**options):
        images = write_celeba_downloads(downloads, blank_faces(12), mafl_train=4, mafl_test=3, **options)
        return {image.name: image for image in images}

    return written


def named(folder):
    return [name.removeprefix("images/") for name in folder.samples["image"]]


def boxes(folder):
    return folder.samples[["x_min", "y_min", "x_max", "y_max"]].to_numpy()


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_images_of_the_protocol_with_boxes_and_points(tmp_path, downloads, write, protocol):
    images = write(protocol=protocol)
    build_celeba(downloads, "celeba.zip", tmp_path / "celeba")
    training = read_folder(tmp_path / "celeba", tmp_path / "celeba/training", both_sides=False)
    evaluation = read_folder(tmp_path / "celeba", tmp_path / "celeba/evaluation")

    assert named(training) == TRAINING
    assert set(training.samples["split"]) == {"train"}
    assert training.landmarks is None
    assert named(evaluation) == MAFL_TRAIN + MAFL_TEST
    assert evaluation.samples["split"].tolist() == ["train"] * 4 + ["test"] * 3
    for folder in (training, evaluation):
        np.testing.assert_allclose(boxes(folder), [images[name].box for name in named(folder)], rtol=1e-14)
    np.testing.assert_allclose(evaluation.landmarks, [images[name].points for name in named(evaluation)], rtol=1e-14)
    five = [images[name].five_points for name in named(evaluation)]
    assert np.array_equal(evaluation.more_landmarks["landmarks_5"], five)


def test_each_image_is_the_archives_own_and_no_other_is_there(tmp_path, downloads, write):
    images = write(partition=[0, 1, 0, 0, 2] + [0] * 7)
    build_celeba(downloads, "celeba.zip", tmp_path / "celeba")
    files = {path.name: path.read_bytes() for path in (tmp_path / "celeba/images").iterdir()}

    assert sorted(files) == sorted(name for name in images if name not in ("000002.jpg", "000005.jpg"))
    assert all(content == images[name].jpeg for name, content in files.items())
    assert read_image_size(tmp_path / "celeba/images/000001.jpg") == (178, 218)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["celeba", "downloads"]
    assert sorted(path.name for path in (tmp_path / "celeba").iterdir()) == [
        "evaluation",
        "facts.json",
        "images",
        "training",
    ]


@pytest.mark.parametrize(
    ("archive", "inner"),
    [
        ("celeba.zip", "img_align_celeba_hq"),
        ("img_align_celeba.zip", "img_align_celeba"),
        ("celeba.tar.gz", "img_align_celeba_hq"),
        ("celeba.tar.gz", "img_align_celeba"),
    ],
)
def test_the_facts_say_which_folder_of_which_archive_was_taken(tmp_path, downloads, write, archive, inner):
    write(archive=archive, inner=inner)
    build_celeba(downloads, archive, tmp_path / "celeba")

    assert json.loads((tmp_path / "celeba/facts.json").read_text()) == {
        "dataset": "celeba",
        "archive": archive,
        "folder": inner,
        "listed": 12,
        "training": 8,
        "mafl_train": 4,
        "mafl_test": 3,
        "mafl_train_in_training": 3,
    }


def test_of_both_folders_in_an_archive_the_authors_is_taken(tmp_path, downloads, write):
    images = write()
    members = {f"img_align_celeba/{name}": jpeg_bytes(np.zeros((1, 1, 3), dtype=np.uint8)) for name in images}
    members |= {f"img_align_celeba_hq/{name}": image.jpeg for name, image in images.items()}
    write_archive(downloads / "celeba.tar.gz", members)
    build_celeba(downloads, "celeba.tar.gz", tmp_path / "celeba")

    assert json.loads((tmp_path / "celeba/facts.json").read_text())["folder"] == "img_align_celeba_hq"
    assert (tmp_path / "celeba/images/000001.jpg").read_bytes() == images["000001.jpg"].jpeg
    assert not (tmp_path / "celeba/img_align_celeba").exists()


def test_of_a_zip_only_the_folder_of_its_name_counts(tmp_path, downloads, write):
    write(archive="celeba.zip", inner="img_align_celeba")
    with pytest.raises(UserError, match=r"12 of 12 files aren't in it, the first 'img_align_celeba_hq/000001\.jpg'"):
        build_celeba(downloads, "celeba.zip", tmp_path / "celeba")


def test_the_lists_say_which_image_serves_for_what(downloads, write):
    write()
    lists = read_celeba_lists(downloads)

    assert (lists.training, lists.mafl_train, lists.mafl_test) == (TRAINING, MAFL_TRAIN, MAFL_TEST)
    assert lists.used == [*TRAINING, "000009.jpg", *MAFL_TEST]


def test_names_are_sorted_whatever_the_order_of_the_lists(downloads, write):
    write()
    for name in ("list_eval_partition.txt", "mafl_training.txt", "mafl_testing.txt"):
        lines = (downloads / name).read_text().split()
        rows = [" ".join(pair) for pair in zip(lines[::2], lines[1::2], strict=True)] if "partition" in name else lines
        (downloads / name).write_text("\n".join(reversed(rows)))
    lists = read_celeba_lists(downloads)

    assert (lists.training, lists.mafl_train, lists.mafl_test) == (TRAINING, MAFL_TRAIN, MAFL_TEST)


def change_pickle(path, change):
    content = pickle.loads(path.read_bytes())
    change(content)
    write_pickle(path, content)


def change_images(downloads, change, **options):
    written = write_celeba_downloads(downloads, blank_faces(12), mafl_train=4, mafl_test=3, **options)
    images = {image.name: image.jpeg for image in written}
    change(images)
    write_archive(downloads / "celeba.zip", {f"img_align_celeba_hq/{name}": jpeg for name, jpeg in images.items()})


SMALL = jpeg_bytes(np.zeros((10, 12, 3), dtype=np.uint8))
FAULTS = {
    "no list": (
        lambda root: (root / "mafl_testing.txt").unlink(),
        r"downloads: 1 of 7 downloads aren't there: mafl_testing\.txt; fetch each with `landmarks download`",
    ),
    "no archive": (lambda root: (root / "celeba.zip").unlink(), r"aren't there: celeba\.zip;"),
    "page": (lambda root: (root / "celeba.zip").write_text("<html>"), r"celeba\.zip: not a readable archive"),
    "overlap": (
        lambda root: (root / "mafl_testing.txt").write_text("000007.jpg\n000008.jpg\n000012.jpg"),
        r"mafl_training\.txt: 2 of 4 images are in mafl_testing\.txt too, the first '000007\.jpg'",
    ),
    "unlisted": (
        lambda root: (root / "mafl_testing.txt").write_text("000012.jpg\n000013.jpg"),
        r"mafl_testing\.txt: 1 of 2 images aren't in list_eval_partition\.txt, the first '000013\.jpg'",
    ),
    "no training": (
        lambda root: (root / "list_eval_partition.txt").write_text(
            "".join(f"{number:06d}.jpg 1\n" for number in range(1, 13))
        ),
        r"list_eval_partition\.txt: no training images in it",
    ),
    "no box": (
        lambda root: change_pickle(root / "CelebABoundingBoxes.pickle", lambda boxes: boxes.pop("000003.jpg")),
        r"CelebABoundingBoxes\.pickle: 1 of 8 images aren't in it, the first '000003\.jpg'",
    ),
    "flat box": (
        lambda root: change_pickle(
            root / "CelebABoundingBoxes.pickle", lambda boxes: boxes.update({"000012.jpg": [5, 5, 5, 9]})
        ),
        r"1 of 7 images have a box without area, the first '000012\.jpg'",
    ),
    "no points": (
        lambda root: change_pickle(root / "MaflGroundtruthLandmarks.pickle", lambda points: points.clear()),
        r"MaflGroundtruthLandmarks\.pickle: 7 of 7 images aren't in it, the first '000006\.jpg'",
    ),
    "67 points": (
        lambda root: change_pickle(
            root / "MaflGroundtruthLandmarks.pickle", lambda points: points.update({"000007.jpg": np.zeros((67, 2))})
        ),
        r"1 of 7 images don't have 68 x 2 finite numbers, the first '000007\.jpg'",
    ),
    "missing image": (
        lambda root: change_images(root, lambda images: images.pop("000010.jpg")),
        r"celeba\.zip: 1 of 12 files aren't in it, the first 'img_align_celeba_hq/000010\.jpg'",
    ),
    "small image": (
        lambda root: change_images(root, lambda images: images.update({"000004.jpg": SMALL})),
        r"celeba\.zip: '000004\.jpg' is 12 x 10 pixels, not 178 x 218; fetch it anew",
    ),
    "broken image": (
        lambda root: change_images(root, lambda images: images.update({"000004.jpg": images["000004.jpg"][:-9]})),
        r"celeba\.zip: '000004\.jpg': the file breaks off",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_downloads_is_named_and_nothing_is_left(tmp_path, downloads, write, fault):
    harm, message = FAULTS[fault]
    write()
    harm(downloads)

    with pytest.raises(UserError, match=message):
        build_celeba(downloads, "celeba.zip", tmp_path / "celeba")
    assert [path.name for path in tmp_path.iterdir()] == ["downloads"]


def test_an_image_that_is_listed_and_not_used_must_be_there_all_the_same(tmp_path, downloads, write):
    write()
    change_images(downloads, lambda images: images.pop("000001.jpg"), partition=[1] + [0] * 11)
    with pytest.raises(UserError, match=r"1 of 12 files aren't in it, the first 'img_align_celeba_hq/000001\.jpg'"):
        build_celeba(downloads, "celeba.zip", tmp_path / "celeba")


def test_everything_else_is_checked_before_the_archive_is_opened(tmp_path, downloads, write, monkeypatch):
    write()
    (downloads / "MaflGroundtruthLandmarks.pickle").write_bytes(b"")
    monkeypatch.setattr(celeba, "extract_files", lambda *_: pytest.fail("the archive was opened"))
    with pytest.raises(UserError, match="MaflGroundtruthLandmarks"):
        build_celeba(downloads, "celeba.zip", tmp_path / "celeba")


def test_an_unknown_archive_is_told_with_those_there_are(tmp_path, downloads):
    with pytest.raises(UserError, match=r"unknown archive 'celeba\.tgz'; did you mean .* valid: celeba\.tar\.gz, cel"):
        build_celeba(downloads, "celeba.tgz", tmp_path / "celeba")


def test_progress_is_shown_on_stderr(tmp_path, downloads, write, capsys):
    write()
    build_celeba(downloads, "celeba.zip", tmp_path / "celeba")
    out, err = capsys.readouterr()

    assert out == ""
    assert "unpacking celeba.zip: 100%" in err
    assert "checking images: 100%" in err
