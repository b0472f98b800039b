import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from landmark_discovery.data.store import ImageStore, dataset_facts, read_store, write_store, write_store_from
from landmark_discovery.errors import UserError


def sample(image, split, subject, stored_size, original=(40, 20), crop=(8, 4, 24, 16), window=(0, 0, 40, 20)):
    row = {"image": image, "split": split, "subject": subject, "width": original[0], "height": original[1]}
    for kind, corners in (("box", (10.125, 6, 20, 14.1)), ("crop", crop), ("window", window)):
        row |= {
            f"{kind}_{name}": value for name, value in zip(("x_min", "y_min", "x_max", "y_max"), corners, strict=True)
        }
    return row | {"stored_width": stored_size[0], "stored_height": stored_size[1]}


@pytest.fixture
def store():
    samples = pd.DataFrame([sample("a.png", "train", "NA", (4, 2)), sample("ü,b.png", "test", "", (3, 3))])
    images = np.zeros((2, 3, 4, 3), dtype=np.uint8)
    images[0] = 7
    images[1] = 9
    landmarks = np.array([[[0.1, 1 / 3], [np.nan, np.nan]], [[1e-17, 2], [3, 4]]])
    return ImageStore(images, samples, landmarks, dataset_facts("toy", "folder", samples, landmarks))


def test_what_is_written_is_read(tmp_path, store):
    write_store(tmp_path / "store", store)
    read = read_store(tmp_path / "store")

    assert len(read) == 2
    assert np.array_equal(read.images, store.images)
    pd.testing.assert_frame_equal(read.samples, store.samples, check_dtype=False)
    np.testing.assert_allclose(read.landmarks, store.landmarks, rtol=1e-15, atol=0)
    pixels = b"".join(image.tobytes() for image in store.images)
    found = {"test_images_equal_to_training": 0, "images_sha256": hashlib.sha256(pixels).hexdigest()}
    assert read.facts == {**store.facts, **found}


def test_a_store_without_ground_truth(tmp_path, store):
    write_store(tmp_path / "store", ImageStore(store.images, store.samples, None, {}))

    assert read_store(tmp_path / "store").landmarks is None


def test_other_tables_of_points_are_read_under_their_names(tmp_path, store):
    five = np.arange(20, dtype=np.float64).reshape(2, 5, 2) / 3
    more = {"landmarks_5": five, "landmarks_b": store.landmarks}
    write_store(tmp_path / "store", replace(store, more_landmarks=more))
    read = read_store(tmp_path / "store")

    assert list(read.more_landmarks) == ["landmarks_5", "landmarks_b"]
    np.testing.assert_allclose(read.more_landmarks["landmarks_5"], five, rtol=1e-15)
    np.testing.assert_allclose(read.landmarks, store.landmarks, rtol=1e-15, atol=0)
    write_store(tmp_path / "store", replace(store, landmarks=None, more_landmarks={"landmarks_5": five}))
    assert read_store(tmp_path / "store").landmarks is None


def test_a_table_of_points_with_other_rows_is_refused(tmp_path, store):
    write_store(tmp_path / "store", replace(store, more_landmarks={"landmarks_5": store.landmarks}))
    lines = (tmp_path / "store/landmarks_5.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "store/landmarks_5.csv").write_text("\n".join(lines[:-1]))

    with pytest.raises(UserError, match="its files don't have the same number of images"):
        read_store(tmp_path / "store")


def test_images_are_read_only_and_stay_on_disk(tmp_path, store):
    write_store(tmp_path / "store", store)
    images = read_store(tmp_path / "store").images

    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0, 0] = 1


def test_images_that_come_one_by_one_go_on_with_their_edges(tmp_path, store):
    parts = iter([np.full((2, 4, 3), 7, dtype=np.uint8), np.full((3, 3, 3), 9, dtype=np.uint8)])
    write_store_from(parts, tmp_path / "store", store.samples, None, {})

    assert np.array_equal(read_store(tmp_path / "store").images, store.images)


def test_a_failure_on_the_way_leaves_the_store_that_was_there(tmp_path, store):
    write_store(tmp_path / "store", store)

    def failing():
        yield np.zeros((2, 4, 3), dtype=np.uint8)
        raise UserError("the second image is broken")

    with pytest.raises(UserError, match="second image"):
        write_store_from(failing(), tmp_path / "store", store.samples, None, {})

    assert np.array_equal(read_store(tmp_path / "store").images, store.images)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_names_splits_and_sizes(store):
    assert store.names.tolist() == ["a.png", "ü,b.png"]
    assert store.splits.tolist() == ["train", "test"]
    assert store.indices("test").tolist() == [1]
    assert store.samples[["width", "height"]].to_numpy().tolist() == [[40, 20], [40, 20]]
    assert store.stored_size.tolist() == [[4, 2], [3, 3]]
    assert store.rectangle("box")[0].tolist() == [10.125, 6, 20, 14.1]


def test_the_crop_in_store_pixels_by_hand():
    # The window is 20 x 16 from (10, 4), stored at half its size; the crop starts 4 right of it and 2 below.
    row = sample("a.png", "train", "", (10, 8), crop=(14, 6, 26, 16), window=(10, 4, 30, 20))
    store = ImageStore(np.zeros((1, 8, 10, 3), dtype=np.uint8), pd.DataFrame([row]), None, {})

    assert store.crop_in_store().tolist() == [[2, 1, 8, 6]]


def test_facts_by_hand():
    samples = pd.DataFrame(
        [
            sample("a.png", "train", "anna", (4, 2), original=(40, 20)),
            sample("b.png", "test", "anna", (4, 2), original=(60, 20)),
            sample("c.png", "train", "bela", (4, 2), original=(50, 30)),
            sample("d.png", "train", "", (4, 2), original=(50, 30)),
        ]
    )
    landmarks = np.full((4, 5, 2), np.nan)
    landmarks[2, 3] = 1
    dropped = [{"image": "e.png", "reason": "the file is empty"}]

    assert dataset_facts("toy", "folder", samples, landmarks, split_made=True, dropped=dropped) == {
        "name": "toy",
        "kind": "folder",
        "images": 4,
        "train_images": 3,
        "test_images": 1,
        "subjects": 2,
        "subjects_on_both_sides": 1,
        "points": 5,
        "images_with_points": 1,
        "width_px": [40, 60],
        "height_px": [20, 30],
        "split": "made",
        "dropped": dropped,
    }


def test_facts_without_subjects_and_points():
    facts = dataset_facts("toy", "folder", pd.DataFrame([sample("a.png", "train", "", (4, 2))]), None)

    assert [facts[name] for name in ("subjects", "subjects_on_both_sides", "points", "images_with_points")] == [
        None
    ] * 4
    assert facts["split"] == "given"


@pytest.mark.parametrize("harm", ["missing", "cut", "empty", "column", "rows"])
def test_what_is_no_store_is_refused(tmp_path, store, harm):
    folder = tmp_path / "store"
    write_store(folder, store)
    if harm == "missing":
        (folder / "facts.json").unlink()
    elif harm == "cut":
        (folder / "images.npy").write_bytes((folder / "images.npy").read_bytes()[:-5])
    elif harm == "empty":
        (folder / "images.npy").write_bytes(b"")
    elif harm == "column":
        store.samples.drop(columns="crop_x_min").to_csv(folder / "samples.csv", index=False)
    else:
        store.samples.head(1).to_csv(folder / "samples.csv", index=False)

    with pytest.raises(UserError, match=r"store: not a prepared data set .*; make it with `landmarks prepare`"):
        read_store(folder)
